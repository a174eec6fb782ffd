// Memory on a cache line.
#pragma once

#include <cstddef>
#include <new>

namespace fastmlp {

class AlignedBytes {
 public:
  explicit AlignedBytes(size_t size) : data_(::operator new(size, kAlignment)), size_(size) {}
  ~AlignedBytes() { ::operator delete(data_, kAlignment); }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{64};

  void* data_;
  size_t size_;
};

}  // namespace fastmlp
