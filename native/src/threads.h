// The memory of a thread, and the division of work among threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>

namespace kapre {

constexpr int MOST_LANES = 16;
constexpr std::size_t ALIGNED = 128;  // a vector of 16 doubles

// Scratch memory of a thread.
class Scratch {
 public:
  explicit Scratch(std::size_t floats)
      : memory_(static_cast<float*>(::operator new(floats * sizeof(float), std::align_val_t(ALIGNED)))) {}
  ~Scratch() { ::operator delete(memory_, std::align_val_t(ALIGNED)); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* get() const { return memory_; }

 private:
  float* memory_;
};

// Calls `part(begin, end)` for parts of 0 ... count - 1, at most `threads` of them side by side. `points` are those of
// all DFTs, which tell how much work it is. Throws what the only part throws, or std::bad_alloc if one of several throws.
void divide(std::int64_t count, std::int32_t threads, double points,
            const std::function<void(std::int64_t, std::int64_t)>& part);

}  // namespace kapre
