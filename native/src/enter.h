// What each call of the C interface that runs a plan does around its work.
#pragma once

#include <cstddef>
#include <exception>
#include <new>

#include "plan.h"

namespace kapre {

// Runs `run`, which no exception leaves.
template <class Run>
int guarded(char* message, std::size_t message_size, Run run) {
  try {
    run();
  } catch (const std::bad_alloc&) {
    return fail(KAPRE_NO_MEMORY, "no memory for the frames", message, message_size);
  } catch (const std::exception& error) {
    return fail(KAPRE_FAILED, error.what(), message, message_size);
  }
  return KAPRE_OK;
}

// Chooses the variant for an instruction set, or null for the best, and the width that DFTs of `n_fft` points have, and
// calls `run(variant)`. `text` says what is wrong with the call, or is null.
template <class Run>
int choose(const char* text, const char* instructions, int n_fft, char* message, std::size_t message_size, Run run) {
  if (text) return fail(KAPRE_INVALID, text, message, message_size);
  const Variant* variant = variant_for(instructions ? instructions : best_instructions(), n_fft);
  if (!variant)
    return fail(KAPRE_UNSUPPORTED, "this machine or library lacks the instruction set", message, message_size);
  return guarded(message, message_size, [&] { run(*variant); });
}

// Reads the plan, checks the call, chooses the variant and runs it. `wrong(plan, call)` returns what is wrong with a call
// or null, `is_empty(call)` tells whether it has nothing to do, and `run(plan, variant, call)` does the work. The variant
// is that for `points`, or for the plan's n_fft if it is 0.
template <class Call, class Wrong, class IsEmpty, class Run>
int enter(const void* memory, std::size_t size, const Call* call, char* message, std::size_t message_size, Wrong wrong,
          IsEmpty is_empty, Run run, int points = 0) {
  Plan plan;
  if (!call || !read(memory, size, plan))
    return fail(KAPRE_INVALID, "a plan of this version and a call are needed", message, message_size);
  const int n_fft = points ? points : plan.is.n_fft;
  return choose(wrong(plan, *call), call->instructions, n_fft, message, message_size, [&](const Variant& variant) {
    if (!is_empty(*call)) run(plan, variant, *call);
  });
}

}  // namespace kapre
