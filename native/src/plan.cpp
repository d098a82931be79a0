// Plans: checks, factors of the DFT, tables, and the choice of a kernel.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <initializer_list>

#if defined(KAPRE_X86)
#include <cpuid.h>
#endif

#include "plan.h"

namespace kapre {

#define KAPRE_DECLARE(name)    \
  namespace name {             \
  extern const Variant variant; \
  }
#if defined(KAPRE_X86)
KAPRE_DECLARE(avx512_16)
KAPRE_DECLARE(avx512_8)
KAPRE_DECLARE(avx2_8)
#endif
KAPRE_DECLARE(baseline)

namespace {

constexpr double PI = 3.14159265358979323846;
constexpr int LARGEST = 32768;

#if defined(KAPRE_X86)
// What the processor has, and what the operating system saves of its registers (XCR0), by Intel's manual.
struct Processor {
  bool avx2 = false, avx512 = false;
  Processor() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return;
    const bool fma = c & (1u << 12), saves = c & (1u << 27);
    if (!fma || !saves) return;
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    constexpr unsigned AVX = 0x6, AVX512 = 0xe6;
    avx2 = (low & AVX) == AVX && b & (1u << 5);
    const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, wanted = f | dq | bw | vl;
    avx512 = avx2 && (low & AVX512) == AVX512 && (b & wanted) == wanted;
  }
};
#endif

bool has(const char* instructions) {
#if defined(KAPRE_X86)
  static const Processor processor;
  if (!std::strcmp(instructions, "avx2")) return processor.avx2;
  if (!std::strcmp(instructions, "avx512")) return processor.avx512;
#endif
  return !std::strcmp(instructions, baseline::variant.instructions);
}

// Writes the radices, in the order of the passes. Returns false if `points` has another factor than 2, 3, 5 and 7.
bool factorise(int points, Plan& plan) {
  plan.passes = 0;
  for (int radix : {7, 5, 3})
    for (; points % radix == 0; points /= radix) plan.radix[plan.passes++] = radix;
  int twos = 0;
  for (; points % 2 == 0; points /= 2) ++twos;
  if (twos % 3 == 1 && twos >= 4) {
    plan.radix[plan.passes++] = 4;
    plan.radix[plan.passes++] = 4;
    twos -= 4;
  } else if (twos % 3) {
    plan.radix[plan.passes++] = 1 << twos % 3;
    twos -= twos % 3;
  }
  for (; twos; twos -= 3) plan.radix[plan.passes++] = 8;
  return points == 1;
}

const char* wrong(const kapre_description& is) {
  if (is.frame_length < 1 || is.hop_length < 1) return "frame_length and hop_length must be at least 1";
  if (is.window_length < 1 || is.window_length > is.frame_length || is.window_length > is.n_fft || !is.window)
    return "window_length must be at least 1, and at most frame_length and n_fft";
  if (is.spectrum < KAPRE_MAGNITUDE || is.spectrum > KAPRE_INVERSE) return "spectrum must be one of KAPRE_MAGNITUDE, ...";
  if (is.spectrum >= KAPRE_COMPLEX && (is.bands || is.log)) return "a complex spectrum has no bands and no logarithm";
  if (is.spectrum == KAPRE_INVERSE && (is.remove_dc || is.energy || is.preemphasis != 0.0f))
    return "an inverse undoes the window and the DFT alone";
  if (is.log < KAPRE_NO_LOG || is.log > KAPRE_DB) return "log must be one of KAPRE_NO_LOG, ...";
  if (is.bands < 0 || (is.bands && (!is.band_first || !is.band_size || !is.weights))) return "bands need their weights";
  for (int b = 0; b < is.bands; ++b)
    if (is.band_first[b] < 0 || is.band_size[b] < 0 || is.band_first[b] > is.n_fft / 2 + 1 - is.band_size[b])
      return "a band must lie within the bins";
  return nullptr;
}

// The beginning of a plan's memory. The tables follow it, each number in 4 bytes.
struct Head {
  std::uint32_t magic;
  std::int32_t abi;
  std::uint64_t size;
  std::int64_t weights;
  kapre_description is;  // without pointers
};

constexpr std::uint32_t MAGIC = 0x6b61706e;  // the byte order shows in it
constexpr std::size_t BEGIN = (sizeof(Head) + 63) / 64 * 64;

// The tables, one after the other. `at` is the beginning of the memory, or null to count only.
struct Tables {
  const char* at;
  std::size_t size = BEGIN;

  template <class Number>
  const Number* next(std::size_t count) {
    const char* found = at ? at + size : nullptr;
    size += count * sizeof(Number);
    return reinterpret_cast<const Number*>(found);
  }
};

// Sets what follows from the description and finds the tables. Returns the size of the plan, or 0 if it has none.
std::size_t lay_out(const void* memory, std::size_t weights, Plan& plan) {
  kapre_description& is = plan.is;
  plan.half = is.n_fft / 2;
  plan.bins = plan.half + 1;
  plan.values = is.spectrum >= KAPRE_COMPLEX ? 2 * plan.bins : is.bands ? is.bands : plan.bins;
  plan.log_scale = static_cast<float>(is.log == KAPRE_DB ? 10.0 / std::log(10.0) : 1.0 / std::log(10.0));
  if (!factorise(plan.half, plan)) return 0;
  Tables tables{static_cast<const char*>(memory)};
  const auto count = [](int number) { return static_cast<std::size_t>(number); };
  is.window = tables.next<float>(count(is.window_length));
  plan.turns = tables.next<float>(2 * count(plan.half / 2 + 1));
  plan.places = tables.next<std::int32_t>(count(plan.half));
  int points = plan.half;
  for (int i = 0; i < plan.passes; ++i) {
    points /= plan.radix[i];
    plan.twiddles[i] = tables.next<float>(2 * count(points) * count(plan.radix[i] - 1));
  }
  is.band_first = tables.next<std::int32_t>(count(is.bands));
  is.band_size = tables.next<std::int32_t>(count(is.bands));
  is.weights = tables.next<float>(weights);
  return (tables.size + 63) / 64 * 64;
}

template <class Number>
Number* written(const Number* table) {
  return const_cast<Number*>(table);  // the memory is the caller's, who asked to write it
}

void put_turn(float* table, double k, double n) {
  table[0] = static_cast<float>(std::cos(-2.0 * PI * k / n));
  table[1] = static_cast<float>(std::sin(-2.0 * PI * k / n));
}

void fill(const Plan& plan, const kapre_description& from, std::size_t weights) {
  const kapre_description& is = plan.is;
  // See `bins` and `unbins` of the kernel.
  const float scale = is.spectrum == KAPRE_INVERSE ? 1.0f / static_cast<float>(is.n_fft) : 0.5f;
  for (int n = 0; n < is.window_length; ++n) written(is.window)[n] = scale * from.window[n];
  for (int k = 0; k <= plan.half / 2; ++k) put_turn(written(plan.turns) + 2 * k, k, is.n_fft);
  for (int k = 0; k < plan.half; ++k) {
    int place = 0, rest = k, block = plan.half;
    for (int i = 0; i < plan.passes; ++i) {
      block /= plan.radix[i];
      place += rest % plan.radix[i] * block;
      rest /= plan.radix[i];
    }
    written(plan.places)[k] = place;
  }
  int points = plan.half;
  for (int i = 0; i < plan.passes; ++i) {
    float* table = written(plan.twiddles[i]);
    const int m = points / plan.radix[i];
    for (int p = 0; p < m; ++p)
      for (int j = 1; j < plan.radix[i]; ++j, table += 2) put_turn(table, static_cast<double>(j) * p, points);
    points = m;
  }
  for (int b = 0; b < is.bands; ++b) {
    written(is.band_first)[b] = from.band_first[b];
    written(is.band_size)[b] = from.band_size[b];
  }
  for (std::size_t i = 0; i < weights; ++i) written(is.weights)[i] = from.weights[i];
}

// Checks a description and lays out its plan.
int plan_for(const kapre_description* description, const void* memory, Plan& plan, std::size_t& weights,
             std::size_t& size, char* message, std::size_t message_size) {
  if (!description) return fail(KAPRE_INVALID, "a description is needed", message, message_size);
  const int n_fft = description->n_fft;
  if (n_fft < 2 || n_fft > LARGEST || n_fft % 2)
    return fail(KAPRE_UNSUPPORTED, "n_fft must be even, from 2 to 32768", message, message_size);
  if (const char* text = wrong(*description)) return fail(KAPRE_INVALID, text, message, message_size);
  weights = 0;
  for (int b = 0; b < description->bands; ++b) weights += static_cast<std::size_t>(description->band_size[b]);
  plan.is = *description;
  if (plan.is.log != KAPRE_DB) plan.is.reference = 0.0f;
  size = lay_out(memory, weights, plan);
  if (!size)
    return fail(KAPRE_UNSUPPORTED, "half of n_fft must have no other factors than 2, 3, 5 and 7", message, message_size);
  return KAPRE_OK;
}

}  // namespace

const char* best_instructions() {
  for (const char* name : {"avx512", "avx2"})
    if (has(name)) return name;
  return baseline::variant.instructions;
}

const Variant* variant_for(const char* instructions, int n_fft) {
  if (!has(instructions)) return nullptr;
#if defined(KAPRE_X86)
  // 16 frames of a short DFT would not fit in the first cache, and those of a long one do not anyway.
  if (!std::strcmp(instructions, "avx512")) return n_fft < WIDEST ? &avx512_8::variant : &avx512_16::variant;
  if (!std::strcmp(instructions, "avx2")) return &avx2_8::variant;
#endif
  (void)n_fft;
  return &baseline::variant;
}

int fail(int code, const char* text, char* message, std::size_t message_size) {
  if (message && message_size) std::snprintf(message, message_size, "%s", text);
  return code;
}

bool read(const void* memory, std::size_t size, Plan& plan) {
  Head head;
  if (!memory || size < BEGIN) return false;
  std::memcpy(&head, memory, sizeof head);
  if (head.magic != MAGIC || head.abi != KAPRE_NATIVE_ABI || head.size != size) return false;
  plan.is = head.is;
  return lay_out(memory, static_cast<std::size_t>(head.weights), plan) == size;
}

}  // namespace kapre

extern "C" {

int32_t kapre_native_abi(void) { return KAPRE_NATIVE_ABI; }

const char* kapre_native_instructions(void) { return kapre::best_instructions(); }

int32_t kapre_plan_size(const kapre_description* description, size_t* size, char* message, size_t message_size) {
  kapre::Plan plan;
  size_t weights;
  if (!size) return kapre::fail(KAPRE_INVALID, "a place for the size is needed", message, message_size);
  return kapre::plan_for(description, nullptr, plan, weights, *size, message, message_size);
}

int32_t kapre_plan_write(const kapre_description* description, void* memory, size_t size, char* message,
                         size_t message_size) {
  using namespace kapre;
  Plan plan;
  std::size_t weights, needed;
  if (const int code = plan_for(description, memory, plan, weights, needed, message, message_size)) return code;
  if (!memory || size != needed) return fail(KAPRE_INVALID, "the plan needs as much memory as kapre_plan_size says", message, message_size);
  std::memset(memory, 0, size);
  Head head{MAGIC, KAPRE_NATIVE_ABI, size, static_cast<std::int64_t>(weights), plan.is};
  head.is.window = head.is.weights = nullptr;
  head.is.band_first = head.is.band_size = nullptr;
  std::memcpy(memory, &head, sizeof head);
  fill(plan, *description, weights);
  return KAPRE_OK;
}

int32_t kapre_plan_values(const void* memory, size_t size) {
  kapre::Plan plan;
  return kapre::read(memory, size, plan) ? plan.values : 0;
}

int32_t kapre_plan_has_energy(const void* memory, size_t size) {
  kapre::Plan plan;
  return kapre::read(memory, size, plan) && plan.is.energy;
}

}  // extern "C"
