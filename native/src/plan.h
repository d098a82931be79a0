// A plan: what a kernel reads, in one block of memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kapre_native.h"

namespace kapre {

constexpr int MOST_PASSES = 16;

// A plan as a kernel sees it. Its pointers, and those of the description, lead into the block.
struct Plan {
  kapre_description is;
  int half;    // points of the complex DFT that the real one is made of
  int bins;    // half + 1
  int values;  // that a frame gives, or its spectrum has
  int passes;
  int radix[MOST_PASSES];
  const float* twiddles[MOST_PASSES];  // of each pass: (points / radix, radix - 1) complex numbers
  const float* turns;                  // e^(-2 pi i k / n_fft) for k = 0 ... half / 2
  const std::int32_t* places;          // where the passes leave bin k of the complex DFT
  float log_scale;
};

// Finds the parts of a plan. Returns false if the memory holds none of this version.
bool read(const void* memory, std::size_t size, Plan& plan);

using Kernel = void (*)(const Plan&, const float* const* frames, float* const* rows, float* const* energies,
                        float* scratch);

using Inverse = void (*)(const Plan&, const float* const* spectra, float* const* rows, float* scratch);

// Parts of augmentations. `rows`, `frames` and `out` have as many entries as a vector has lanes; where an entry of `out` is
// null, nothing is written.
struct Effects {
  // Writes `size` samples of the white noise of two keys.
  void (*white)(std::uint32_t first, std::uint32_t second, std::int64_t size, float* out);
  // Returns the sum of squares.
  double (*energy)(const float* x, std::int64_t size);
  // Writes x + gain * noise, or gain * noise if x is null. `out` may be `x` or `noise`.
  void (*blend)(const float* x, const float* noise, float gain, std::int64_t size, float* out);
  // Filters `time` samples of rows by sections. The table has (sections, 5, lanes) coefficients b0, b1, b2, a1 and a2,
  // and `states` room for (sections, 2, lanes) numbers.
  void (*filter)(const float* const* rows, std::int64_t time, const double* table, int sections, double* states,
                 float* const* out);
  // Writes the spectra of rows of `count` samples, at most n_fft, as `convolve` needs them.
  void (*spectra)(const Plan&, const float* const* rows, int count, float* const* out, float* memory);
  // Convolves frames of n_fft samples circularly, and writes samples `begin` to `end` of the results.
  void (*convolve)(const Plan&, const float* const* frames, const float* const* responses, const int* begin,
                   const int* end, float* const* out, float* memory);
  // The floats of memory that `spectra` and `convolve` need.
  std::size_t (*memory_to_convolve)(const Plan&);
};

// A kernel of this library: how many frames it computes at a time, and the floats of scratch memory that it needs.
struct Variant {
  const char* instructions;
  int lanes;
  Kernel run;
  std::size_t (*scratch)(const Plan&);
  Inverse invert;  // writes the frame of each spectrum to its row
  void (*add)(const float* from, std::int64_t count, float* to);
  Effects effects;
};

// Numbers of points whose variant is narrow, or as wide as it can be. A narrow one has at most NARROW_LANES lanes.
constexpr int NARROW = 512, WIDEST = 1024, NARROW_LANES = 8;

// The variant for an instruction set, or null if this machine or library lacks it.
const Variant* variant_for(const char* instructions, int n_fft);
const char* best_instructions();

// Writes a message and returns the code.
int fail(int code, const char* text, char* message, std::size_t message_size);

}  // namespace kapre
