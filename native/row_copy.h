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
  // The order of a run in terms of where its rows lie, for as many whole epochs as it touches; empty where
  // they lie as they stood. complete() fills it in if it is still to be called, for the first run.
  std::vector<uint32_t> places_for(const Run& run);
  // Copies what is missing, and allocates nothing. With what places_for() gave for `run`, rows are laid out
  // in the order in which that run takes them, so that it goes on while others are missing, and what it does
  // not take comes last. `run` is in terms of where rows stood; it is the one that waits, or null where none
  // does.
  void complete(const Run* run, uint32_t* places);

  // The side of a run, of complete() or any after it: steps from `first_step` on whose rows and places are
  // there, at least one; waits for them.
  int64_t steps_ready(const Run& run, int64_t first_step);

 private:
  void copy_rows(int64_t begin, int64_t end, int64_t place) const;
  void copy_as_they_stand();
  void copy_in_order_of(const Run& run, uint32_t* places);
  void publish(int64_t& count, int64_t ready);

  int64_t count_;
  std::vector<Part> parts_;
  // Rows between two notices to a run that waits.
  int64_t rows_at_once_;
  // Where each row lies, if rows move, and whether they have.
  std::vector<uint32_t> places_;
  bool has_moved_ = false;
  std::mutex mutex_;
  std::condition_variable copied_;
  // Guarded by mutex_: rows from the first on that are there, and those taken by the run of complete(), from
  // its first step on, of which the rows are there.
  int64_t rows_ready_ = 0;
  int64_t taken_ready_ = 0;
};

}  // namespace fastmlp
