// The C interface of kapre-native: the spectrum of frames, from samples to the logarithm of bands, the samples of complex
// spectra, and parts of augmentations, in float32 on a CPU.
//
// A plan is a block of memory without pointers, written once from a description: a program may copy it, and keep it as a
// constant of a graph. Many threads may run it at a time, on the machine that wrote it or on another one of the same byte
// order. No function throws, prints or keeps state. A function that can fail returns a code, 0 for success, and writes a
// message, cut to `message_size`.
#ifndef KAPRE_NATIVE_H
#define KAPRE_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define KAPRE_EXPORT __declspec(dllexport)
#else
#define KAPRE_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Changes with every change of this file that a caller must know of.
#define KAPRE_NATIVE_ABI 4

enum { KAPRE_OK = 0, KAPRE_UNSUPPORTED = 1, KAPRE_INVALID = 2, KAPRE_NO_MEMORY = 3, KAPRE_FAILED = 4 };
enum { KAPRE_MAGNITUDE = 1, KAPRE_POWER = 2, KAPRE_COMPLEX = 3, KAPRE_INVERSE = 4 };
enum { KAPRE_NO_LOG = 0, KAPRE_LN = 1, KAPRE_LOG10 = 2, KAPRE_DB = 3 };
enum { KAPRE_CONSTANT = 0, KAPRE_REFLECT = 1, KAPRE_SYMMETRIC = 2, KAPRE_EDGE = 3 };

// What a plan computes for each frame, in this order.
typedef struct kapre_description {
  int32_t frame_length;            // samples of a frame
  int32_t hop_length;              // samples from one frame to the next
  int32_t n_fft;                   // points of the DFT, even
  int32_t remove_dc;               // whether to subtract the mean of the frame
  int32_t energy;                  // whether to return the logarithm of the energy, before preemphasis
  float least_energy;              // the smallest energy whose logarithm is taken
  float preemphasis;               // the coefficient of preemphasis within the frame, 0 for none
  int32_t preemphasis_first;       // whether the first sample is its own predecessor; otherwise that is 0
  int32_t window_length;           // at most frame_length and n_fft; the frame is cropped to it
  const float* window;             //
  int32_t spectrum;                // KAPRE_MAGNITUDE, KAPRE_POWER or KAPRE_COMPLEX: (real, imaginary) for each bin;
                                   // KAPRE_INVERSE: the frame of such a spectrum, times the window
  float magnitude_epsilon;         // added to the power under the root of the magnitude
  int32_t bands;                   // bands of the filter bank, 0 for none
  const int32_t* band_first;       // the first bin of each band
  const int32_t* band_size;        // how many bins it covers
  const float* weights;            // the weights of these bins, one band after the other
  int32_t log;                     // KAPRE_NO_LOG, ...
  int32_t amin_is_added;           // whether amin is added; otherwise it is the smallest value
  float amin;                      //
  float reference;                 // subtracted from decibels
} kapre_description;

// One call of a plan with KAPRE_INVERSE: the frames of complex spectra, added up at their places. Frame f of an item adds
// to its samples from f * hop_length - left on. An item of n valid frames has (n - 1) * hop_length + frame_length - left -
// right samples, at least 0, or none if n is 0; zeros follow.
typedef struct kapre_inversion {
  const float* spectra;       // (items, frames, n_fft / 2 + 1, 2)
  int64_t items;              //
  int64_t frames;             // of each item
  const int64_t* counts;      // valid frames of each item, or null if all are; what follows them is not read
  int64_t left, right;        // samples to leave out at the ends
  int64_t time;               // samples of each item to write
  int32_t normalise;          // whether to divide by the sum of the squared windows that overlap at a sample
  int32_t threads;            // the largest number of threads to use
  float* samples;             // (items, time)
  const char* instructions;   // the instruction set to use, or null for the best
} kapre_inversion;

// One call: frames of a batch. Frame f of an item begins at sample f * hop_length - left.
typedef struct kapre_call {
  const float* samples;       // (items, time)
  int64_t items;              //
  int64_t item_stride;        // floats from one item to the next
  int64_t time;               // samples of an item
  const int64_t* lengths;     // valid samples of each item, or null if all are; what follows them is not read
  int64_t left, right;        // samples by which each item is padded at its own ends; zeros follow
  int32_t padding;            // KAPRE_CONSTANT for zeros, ...
  int32_t threads;            // the largest number of threads to use
  int64_t frames;             // frames of each item
  float* features;            // (items, frames, values)
  float* energies;            // (items, frames), or null without energy
  const char* instructions;   // the instruction set to use, or null for the best
} kapre_call;

// Sections of second order, one after the other. A section is the sums b0 + b1 + b2, b0 + b2 and b0 - b2 of its numerator,
// and the same of its denominator, none of whose poles may lie outside of the unit circle.
typedef struct kapre_cascade {
  const float* samples;      // (rows, time)
  int64_t rows;              //
  int64_t time;              //
  const float* sections;     // (rows, count, 6)
  int32_t count;             // at least 1
  int32_t threads;           // the largest number of threads to use
  float* filtered;           // (rows, time)
  const char* instructions;  // the instruction set to use, or null for the best
} kapre_cascade;

// Noise, scaled to the level of samples and added to them. The level is the sum of squares over a row's valid samples,
// divided by the number of its channels. Without `samples`, `mixed` is white noise.
typedef struct kapre_mixture {
  const float* samples;      // (rows, channels, time), or null
  int64_t rows;              //
  int64_t channels;          // 1 without samples
  int64_t time;              //
  const int32_t* keys;       // (rows, 2): keys of white noise, the same for all channels, or null
  const float* noise;        // without keys: (rows, noise_channels, time)
  int64_t noise_channels;    // 1 or `channels`
  const float* ratios;       // (rows): the root of the noise's level over that of the samples
  const int64_t* lengths;    // valid samples of each row, or null if all are; what follows is 0
  int32_t adds;              // whether samples are added to the scaled noise
  int32_t threads;           // the largest number of threads to use
  float* mixed;              // (rows, channels, time); it may be `noise` if that has as many channels
  const char* instructions;  // the instruction set to use, or null for the best
} kapre_mixture;

// Rows, each convolved with one of several responses of at most n_fft samples. Sample n of a result is sample
// `starts + n` of the convolution.
typedef struct kapre_convolution {
  const float* samples;      // (rows, time)
  int64_t rows;              //
  int64_t time;              //
  const float* responses;    // (responses, taps)
  int64_t count;             // of responses
  int64_t taps;              // at least 1
  const int64_t* which;      // (rows): the response of each row
  const int64_t* starts;     // (rows)
  int64_t size;              // samples of each result
  int32_t threads;           // the largest number of threads to use
  float* convolved;          // (rows, size)
  const char* instructions;  // the instruction set to use, or null for the best
} kapre_convolution;

// The entries at places of sorted rows, and those after them, without sorting. NaN is the largest.
typedef struct kapre_selection {
  const float* samples;   // (rows, time)
  int64_t rows;           //
  int64_t time;           // below 2^31
  const int32_t* places;  // (rows, count), from 0 to time - 1
  int32_t count;          // from 1 to 100
  int32_t threads;        // the largest number of threads to use
  float* found;           // (rows, count)
  float* after;           // (rows, count); after the last entry comes itself
} kapre_selection;

KAPRE_EXPORT int32_t kapre_native_abi(void);

// The best instruction set of this machine that the library has: "avx512", "avx2", "neon" or "baseline".
KAPRE_EXPORT const char* kapre_native_instructions(void);

// Writes the number of bytes of the plan of a description, or returns KAPRE_UNSUPPORTED if there is none.
KAPRE_EXPORT int32_t kapre_plan_size(const kapre_description* description, size_t* size, char* message,
                                     size_t message_size);

// Writes the plan to `size` bytes at an address that is a multiple of 8.
KAPRE_EXPORT int32_t kapre_plan_write(const kapre_description* description, void* plan, size_t size, char* message,
                                      size_t message_size);

// The values of a frame that a plan computes, or of the spectrum that it inverts: bands, bins, or twice the bins. 0 if it
// is no plan.
KAPRE_EXPORT int32_t kapre_plan_values(const void* plan, size_t size);

// Whether a plan returns energies. 0 if it is no plan.
KAPRE_EXPORT int32_t kapre_plan_has_energy(const void* plan, size_t size);

KAPRE_EXPORT int32_t kapre_plan_run(const void* plan, size_t size, const kapre_call* call, char* message,
                                    size_t message_size);

KAPRE_EXPORT int32_t kapre_plan_invert(const void* plan, size_t size, const kapre_inversion* call, char* message,
                                       size_t message_size);

// A plan of which only n_fft matters, with KAPRE_INVERSE.
KAPRE_EXPORT int32_t kapre_plan_convolve(const void* plan, size_t size, const kapre_convolution* call, char* message,
                                         size_t message_size);

KAPRE_EXPORT int32_t kapre_filter(const kapre_cascade* call, char* message, size_t message_size);

KAPRE_EXPORT int32_t kapre_mix(const kapre_mixture* call, char* message, size_t message_size);

KAPRE_EXPORT int32_t kapre_select(const kapre_selection* call, char* message, size_t message_size);

#ifdef __cplusplus
}
#endif
#endif
