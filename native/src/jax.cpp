// Plans as functions that XLA calls on a CPU (jax.ffi). Built where the headers of jaxlib are found.

#include <cstdint>
#include <vector>

#include "kapre_native.h"
#include "xla/ffi/api/ffi.h"

namespace {

namespace ffi = xla::ffi;
using Floats = ffi::Buffer<ffi::F32>;
using Result = ffi::ResultBuffer<ffi::F32>;

// x (..., time), the plan's bytes, lengths (...) or (0,); features (..., frames, values), energies (..., frames, 1)
template <typename Features>
ffi::Error run(Floats x, ffi::Buffer<ffi::U8> plan, ffi::Buffer<ffi::S32> lengths, Features features, int values,
               float* energies, int64_t left, int64_t right, int32_t padding, int32_t threads) {
  const auto shape = x.dimensions(), result = features->dimensions();
  if (shape.size() == 0 || result.size() != shape.size() + 1)
    return ffi::Error::InvalidArgument("kapre-native: the ranks of samples and features do not fit");
  kapre_call call = {};
  call.items = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) call.items *= shape[i];
  const std::vector<int64_t> own(lengths.typed_data(), lengths.typed_data() + lengths.element_count());
  if (!own.empty() && static_cast<int64_t>(own.size()) != call.items)
    return ffi::Error::InvalidArgument("kapre-native: there must be a length for each item");
  call.samples = x.typed_data();
  call.time = call.item_stride = shape[shape.size() - 1];
  call.lengths = own.empty() ? nullptr : own.data();
  call.left = left;
  call.right = right;
  call.padding = padding;
  call.threads = threads;
  call.frames = result[result.size() - 2];
  call.features = static_cast<float*>(features->untyped_data());
  call.energies = energies;
  if (kapre_plan_values(plan.typed_data(), plan.element_count()) != values * result[result.size() - 1])
    return ffi::Error::InvalidArgument("kapre-native: the plan is of another version, or its values do not fit");
  char message[256] = "";
  const int code = kapre_plan_run(plan.typed_data(), plan.element_count(), &call, message, sizeof message);
  return code ? ffi::Error::Internal(message) : ffi::Error::Success();
}

ffi::Error spectrum(Floats x, ffi::Buffer<ffi::U8> plan, ffi::Buffer<ffi::S32> lengths, Result features, int64_t left,
                    int64_t right, int32_t padding, int32_t threads) {
  return run(x, plan, lengths, features, 1, nullptr, left, right, padding, threads);
}

ffi::Error transform(Floats x, ffi::Buffer<ffi::U8> plan, ffi::Buffer<ffi::S32> lengths,
                     ffi::ResultBuffer<ffi::C64> spectrum, int64_t left, int64_t right, int32_t padding,
                     int32_t threads) {
  return run(x, plan, lengths, spectrum, 2, nullptr, left, right, padding, threads);
}

ffi::Error spectrum_and_energy(Floats x, ffi::Buffer<ffi::U8> plan, ffi::Buffer<ffi::S32> lengths, Result features,
                               Result energies, int64_t left, int64_t right, int32_t padding, int32_t threads) {
  return run(x, plan, lengths, features, 1, energies->typed_data(), left, right, padding, threads);
}

// z (..., frames, bins), the plan's bytes, counts (...) or (0,); samples (..., time)
ffi::Error inverse(ffi::Buffer<ffi::C64> z, ffi::Buffer<ffi::U8> plan, ffi::Buffer<ffi::S32> counts, Result samples,
                   int64_t left, int64_t right, int32_t normalise, int32_t threads) {
  const auto shape = z.dimensions(), result = samples->dimensions();
  if (shape.size() < 2 || result.size() + 1 != shape.size())
    return ffi::Error::InvalidArgument("kapre-native: the ranks of spectra and samples do not fit");
  kapre_inversion call = {};
  call.items = 1;
  for (size_t i = 0; i + 2 < shape.size(); ++i) call.items *= shape[i];
  const std::vector<int64_t> own(counts.typed_data(), counts.typed_data() + counts.element_count());
  if (!own.empty() && static_cast<int64_t>(own.size()) != call.items)
    return ffi::Error::InvalidArgument("kapre-native: there must be a number of frames for each item");
  call.spectra = static_cast<const float*>(z.untyped_data());
  call.frames = shape[shape.size() - 2];
  call.counts = own.empty() ? nullptr : own.data();
  call.left = left;
  call.right = right;
  call.time = result[result.size() - 1];
  call.normalise = normalise;
  call.threads = threads;
  call.samples = samples->typed_data();
  if (kapre_plan_values(plan.typed_data(), plan.element_count()) != 2 * shape[shape.size() - 1])
    return ffi::Error::InvalidArgument("kapre-native: the plan is of another version, or its bins do not fit");
  char message[256] = "";
  const int code = kapre_plan_invert(plan.typed_data(), plan.element_count(), &call, message, sizeof message);
  return code ? ffi::Error::Internal(message) : ffi::Error::Success();
}

}  // namespace

#if defined(_WIN32)
#define KAPRE_SHOWN
#else
#define KAPRE_SHOWN __attribute__((visibility("default")))
#endif

#define KAPRE_ATTRIBUTES \
  Attr<int64_t>("left").Attr<int64_t>("right").Attr<int32_t>("padding").Attr<int32_t>("threads")

XLA_FFI_DECLARE_HANDLER_SYMBOL(kapre_jax_spectrum) KAPRE_SHOWN;
XLA_FFI_DECLARE_HANDLER_SYMBOL(kapre_jax_spectrum_and_energy) KAPRE_SHOWN;

XLA_FFI_DECLARE_HANDLER_SYMBOL(kapre_jax_transform) KAPRE_SHOWN;

XLA_FFI_DECLARE_HANDLER_SYMBOL(kapre_jax_inverse) KAPRE_SHOWN;

XLA_FFI_DEFINE_HANDLER_SYMBOL(kapre_jax_inverse, inverse,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::Buffer<ffi::C64>>()
                                  .Arg<ffi::Buffer<ffi::U8>>()
                                  .Arg<ffi::Buffer<ffi::S32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Attr<int64_t>("left")
                                  .Attr<int64_t>("right")
                                  .Attr<int32_t>("normalise")
                                  .Attr<int32_t>("threads"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(kapre_jax_transform, transform,
                              ffi::Ffi::Bind()
                                  .Arg<Floats>()
                                  .Arg<ffi::Buffer<ffi::U8>>()
                                  .Arg<ffi::Buffer<ffi::S32>>()
                                  .Ret<ffi::Buffer<ffi::C64>>()
                                  .KAPRE_ATTRIBUTES);

XLA_FFI_DEFINE_HANDLER_SYMBOL(kapre_jax_spectrum, spectrum,
                              ffi::Ffi::Bind()
                                  .Arg<Floats>()
                                  .Arg<ffi::Buffer<ffi::U8>>()
                                  .Arg<ffi::Buffer<ffi::S32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .KAPRE_ATTRIBUTES);

XLA_FFI_DEFINE_HANDLER_SYMBOL(kapre_jax_spectrum_and_energy, spectrum_and_energy,
                              ffi::Ffi::Bind()
                                  .Arg<Floats>()
                                  .Arg<ffi::Buffer<ffi::U8>>()
                                  .Arg<ffi::Buffer<ffi::S32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .KAPRE_ATTRIBUTES);
