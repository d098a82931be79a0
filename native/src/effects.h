// What is compiled once for each instruction set, beside the spectrum of frames: parts of augmentations.
#pragma once

#include <cstdint>

#include "plan.h"

namespace kapre {
namespace KAPRE_NAMESPACE {

// The functions are described where `Effects` is, in plan.h.
void white(std::uint32_t first, std::uint32_t second, std::int64_t size, float* out);
double energy(const float* x, std::int64_t size);
void blend(const float* x, const float* noise, float gain, std::int64_t size, float* out);
void filter(const float* const* rows, std::int64_t time, const double* table, int sections, double* states,
            float* const* out);
void spectra(const Plan& plan, const float* const* rows, int count, float* const* out, float* memory);
void convolve(const Plan& plan, const float* const* frames, const float* const* responses, const int* begin,
              const int* end, float* const* out, float* memory);
std::size_t memory_to_convolve(const Plan& plan);

}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
