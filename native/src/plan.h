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

// A kernel of this library: how many frames it computes at a time, and the floats of scratch memory that it needs.
struct Variant {
  const char* instructions;
  int lanes;
  Kernel run;
  std::size_t (*scratch)(const Plan&);
  Inverse invert;  // writes the frame of each spectrum to its row
  void (*add)(const float* from, std::int64_t count, float* to);
};

// The variant for an instruction set, or null if this machine or library lacks it.
const Variant* variant_for(const char* instructions, int n_fft);
const char* best_instructions();

// Writes a message and returns the code.
int fail(int code, const char* text, char* message, std::size_t message_size);

}  // namespace kapre
