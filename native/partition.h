// Which operations are divided among threads, and into what: the one place that decides it, for every
// instruction set, from estimates of what an operation takes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/shares.h"

namespace fastmlp {

// A grid of chunks over the whole of an operation, numbered down its columns of chunks.
struct Partition {
  Block whole{{0, 1}, {0, 1}};
  // Chunks begin at multiples of these; the last one of a direction takes what is left over.
  int32_t row_quantum = 1;
  int32_t column_quantum = 1;
  int32_t row_parts = 1;
  int32_t column_parts = 1;
  // Nanoseconds expected, and those that a single thread takes whose cache has everything.
  double time = 0;
  double alone = 0;

  int chunks() const { return row_parts * column_parts; }
  Block chunk(int index) const;
};

// Division of one operation of a plan, on a batch of `rows`, for up to `threads` threads; of one chunk if
// more would not be faster. `spread` says that the operations around it are divided. The numbers an operation
// makes do not depend on its division.
Partition partition_of(const int32_t* words, int64_t rows, int threads, bool spread);

// Divisions of the operations of a program.
struct ProgramPartition {
  std::vector<Partition> operations;
  // Nanoseconds expected a step; 0 if the program is not worth dividing.
  double saving = 0;

  void divide(const int32_t* begin, const int32_t* end, int64_t rows, int threads);
};

// Time from which on it pays to wake a thread.
constexpr double kWorthWaking = 10000;

// The divisions that were asked for last.
class ProgramPartitions {
 public:
  // Good until the next call.
  const ProgramPartition& of(const int32_t* begin, const int32_t* end, int64_t rows, int threads);
  // For when another plan comes.
  void forget();

 private:
  struct Entry {
    const int32_t* begin = nullptr;
    const int32_t* end = nullptr;
    int64_t rows = 0;
    int threads = 0;
    ProgramPartition partition;
  };
  // Each program takes two, one for the last batch of an epoch; gradients over several batches have three.
  std::array<Entry, 8> entries_;
  size_t oldest_ = 0;
};

}  // namespace fastmlp
