// Sections of second order, one after the other, on as many rows as a vector has lanes. Compiled once for each
// instruction set. The recursion is in double precision: in single precision, a section near 0 Hz loses half its digits.

#include <cstdint>

#include "effects.h"
#include "vector.h"

namespace kapre {
namespace KAPRE_NAMESPACE {
namespace {

typedef double D __attribute__((vector_size(8 * L)));

constexpr int STEPS = 64;  // samples of each row that go through all sections before the next ones
constexpr double SILENT = 1e-60;  // a state below is 0: far below, numbers lose digits, and processors are slow

// The coefficients b0, b1, b2, a1, a2 of a section of each row, and its state.
struct Section {
  D b0, b1, b2, a1, a2;
};

inline D step(const Section& s, D x, D& first, D& second) {
  const D y = s.b0 * x + first;
  first = (s.b1 * x + second) - s.a1 * y;
  second = s.b2 * x - s.a2 * y;
  return y;
}

inline D settled(D z) { return (z < SILENT) & (z > -SILENT) ? D{} : z; }

void once(const Section* sections, D* states, int count, D* x) {
  const Section s = sections[0];
  D first = states[0], second = states[1];
  for (int n = 0; n < count; ++n) x[n] = step(s, x[n], first, second);
  states[0] = settled(first);
  states[1] = settled(second);
}

// Two sections at a time, so that the processor need not wait for one of them.
void twice(const Section* sections, D* states, int count, D* x) {
  const Section s = sections[0], t = sections[1];
  D first = states[0], second = states[1], third = states[2], fourth = states[3];
  for (int n = 0; n < count; ++n) x[n] = step(t, step(s, x[n], first, second), third, fourth);
  states[0] = settled(first);
  states[1] = settled(second);
  states[2] = settled(third);
  states[3] = settled(fourth);
}

}  // namespace

void filter(const float* const* rows, std::int64_t time, const double* table, int sections, double* memory,
            float* const* out) {
  const Section* all = reinterpret_cast<const Section*>(table);
  D* states = reinterpret_cast<D*>(memory);
  const float* from[L];
  float* to[L];
  for (int l = 0; l < L; ++l) {
    from[l] = rows[l];
    to[l] = out[l];
  }
  for (int i = 0; i < 2 * sections; ++i) states[i] = D{};
  F narrow[STEPS];
  D x[STEPS];
  for (std::int64_t n = 0; n < time; n += STEPS) {
    const int count = static_cast<int>(n + STEPS <= time ? STEPS : time - n);
    load(from, count, narrow);
    for (int i = 0; i < count; ++i) x[i] = __builtin_convertvector(narrow[i], D);
    int s = 0;
    for (; s + 2 <= sections; s += 2) twice(all + s, states + 2 * s, count, x);
    if (s < sections) once(all + s, states + 2 * s, count, x);
    for (int i = 0; i < count; ++i) narrow[i] = __builtin_convertvector(x[i], F);
    store(narrow, count, to);
    for (int l = 0; l < L; ++l) {
      from[l] += count;
      if (to[l]) to[l] += count;
    }
  }
}

}  // namespace KAPRE_NAMESPACE
}  // namespace kapre
