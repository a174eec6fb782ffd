// A copy of rows that one thread makes while a run over them goes on upon another. Knows nothing of
// JavaScript.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "native/batch.h"
#include "native/executor.h"

namespace fastmlp {

class RowCopy {
 public:
  // `width` elements a row; labels have the size of float32. Float64 is rounded to float32, the rest stays.
  struct Part {
    const void* from;
    void* to;
    int64_t width;
    Element element;
  };

  // Of `count` rows; without parts there is nothing to wait for.
  RowCopy(int64_t count, std::vector<Part> parts);

  // The copying thread's side.

  bool is_complete() const { return parts_.empty(); }
  // Copies what is missing, and allocates nothing. Rows that `run` takes come first, in its order, so that it
  // goes on while others are missing. It is the run that waits, or null where none does.
  void complete(const Run* run);

  // The side of a run: steps from `first_step` on whose rows are there, at least one; waits for them. Of the
  // run that complete() gets, or any other.
  int64_t steps_ready(const Run& run, int64_t first_step);

 private:
  void copy_rows(int64_t begin, int64_t end) const;
  void copy_as_they_stand();
  void copy_in_order_of(const Run& run);
  void publish(int64_t& count, int64_t ready);

  int64_t count_;
  std::vector<Part> parts_;
  // Rows between two notices to a run that waits.
  int64_t rows_at_once_;
  // Rows copied out of turn.
  std::vector<bool> is_copied_;
  std::mutex mutex_;
  std::condition_variable copied_;
  // Guarded by mutex_: rows from the first on that are there, and those taken by the run of complete(), from
  // its first step on, of which the rows are there.
  int64_t rows_ready_ = 0;
  int64_t taken_ready_ = 0;
};

}  // namespace fastmlp
