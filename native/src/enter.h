// What each call of the C interface that runs a plan does around its work.
#pragma once

#include <cstddef>
#include <exception>
#include <new>

#include "plan.h"

namespace kapre {

// Reads the plan, checks the call, chooses the variant and runs it. No exception leaves it. `wrong(plan, call)` returns
// what is wrong with a call or null, `is_empty(call)` tells whether it has nothing to do, and `run(plan, variant, call)`
// does the work.
template <class Call, class Wrong, class IsEmpty, class Run>
int enter(const void* memory, std::size_t size, const Call* call, char* message, std::size_t message_size, Wrong wrong,
          IsEmpty is_empty, Run run) {
  const auto failed = [&](int code, const char* text) { return fail(code, text, message, message_size); };
  Plan plan;
  if (!call || !read(memory, size, plan)) return failed(KAPRE_INVALID, "a plan of this version and a call are needed");
  if (const char* text = wrong(plan, *call)) return failed(KAPRE_INVALID, text);
  const Variant* variant = variant_for(call->instructions ? call->instructions : best_instructions(), plan.is.n_fft);
  if (!variant) return failed(KAPRE_UNSUPPORTED, "this machine or library lacks the instruction set");
  if (is_empty(*call)) return KAPRE_OK;
  try {
    run(plan, *variant, *call);
  } catch (const std::bad_alloc&) {
    return failed(KAPRE_NO_MEMORY, "no memory for the frames");
  } catch (const std::exception& error) {
    return failed(KAPRE_FAILED, error.what());
  }
  return KAPRE_OK;
}

}  // namespace kapre
