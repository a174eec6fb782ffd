#include "native/row_copy.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace fastmlp {

namespace {

// What is copied between two notices to a run that waits: a few hundred rows, which stay in the cache.
constexpr int64_t kPieceBytes = 1 << 19;

constexpr uint32_t kNowhere = std::numeric_limits<uint32_t>::max();

int64_t rows_in_a_piece(const std::vector<RowCopy::Part>& parts) {
  int64_t width = 1;
  for (const RowCopy::Part& part : parts) width += part.width;
  return std::max<int64_t>(1, kPieceBytes / static_cast<int64_t>(sizeof(float)) / width);
}

}  // namespace

RowCopy::RowCopy(int64_t count, std::vector<Part> parts)
    : count_(count), parts_(std::move(parts)), rows_at_once_(rows_in_a_piece(parts_)) {
  if (parts_.empty()) rows_ready_ = count_;
}

// From row `begin` to before `end`, to `place` and those after it.
void RowCopy::copy_rows(int64_t begin, int64_t end, int64_t place) const {
  for (const Part& part : parts_) {
    const auto first = static_cast<size_t>(begin * part.width);
    const auto to_first = static_cast<size_t>(place * part.width);
    const auto length = static_cast<size_t>((end - begin) * part.width);
    if (part.element == Element::float64) {
      const double* from = static_cast<const double*>(part.from) + first;
      float* to = static_cast<float*>(part.to) + to_first;
      for (size_t i = 0; i < length; i++) to[i] = static_cast<float>(from[i]);
    } else {
      const size_t size = part.element == Element::uint8 ? 1 : sizeof(float);
      std::memcpy(static_cast<char*>(part.to) + to_first * size,
                  static_cast<const char*>(part.from) + first * size, length * size);
    }
  }
}

void RowCopy::publish(int64_t& count, int64_t ready) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    count = ready;
  }
  copied_.notify_one();
}

void RowCopy::copy_as_they_stand() {
  for (int64_t begin = 0; begin < count_; begin += rows_at_once_) {
    const int64_t end = std::min(begin + rows_at_once_, count_);
    copy_rows(begin, end, begin);
    publish(rows_ready_, end);
  }
}

void RowCopy::copy_in_order_of(const Run& run, uint32_t* places) {
  const int64_t first = run.position(run.first_step);
  const int64_t taken = run.position(run.first_step + run.steps) - first;
  int64_t next = 0;
  const auto place_of = [&](int64_t row) {
    uint32_t& place = places_[static_cast<size_t>(row)];
    if (place == kNowhere) {
      copy_rows(row, row + 1, next);
      place = static_cast<uint32_t>(next++);
    }
    return place;
  };
  int64_t published = 0;
  for (int64_t i = 0; i < taken; i++) {
    places[first + i] = place_of(run.order[first + i]);
    if (next - published < rows_at_once_) continue;
    publish(taken_ready_, i + 1);
    published = next;
  }
  // The run needs none of the others.
  publish(taken_ready_, taken);
  for (int64_t row = 0; row < count_; row++) place_of(row);
  has_moved_ = true;
  publish(rows_ready_, count_);
}

std::vector<uint32_t> RowCopy::places_for(const Run& run) {
  const bool will_move = !is_complete() && run.order != nullptr;
  if (!has_moved_ && !will_move) return {};
  const int64_t end = run.first_step + run.steps;
  const int64_t epochs = (end + run.steps_per_epoch() - 1) / run.steps_per_epoch();
  std::vector<uint32_t> places(static_cast<size_t>(epochs * run.rows_per_epoch));
  if (will_move) {
    places_.assign(static_cast<size_t>(count_), kNowhere);
    return places;
  }
  for (int64_t i = run.position(run.first_step); i < run.position(end); i++) {
    const int64_t row = run.order == nullptr ? i % run.rows_per_epoch : run.order[i];
    places[static_cast<size_t>(i)] = places_[static_cast<size_t>(row)];
  }
  return places;
}

void RowCopy::complete(const Run* run, uint32_t* places) {
  if (is_complete()) return;
  const ActiveRun active;
  if (run != nullptr && places != nullptr)
    copy_in_order_of(*run, places);
  else
    copy_as_they_stand();
  parts_.clear();
}

int64_t RowCopy::steps_ready(const Run& run, int64_t first_step) {
  // Rows in the order they stand: those of the first epoch come one after the other, steps after it need no
  // more.
  const int64_t whole_batches = count_ / run.batch_size;
  const int64_t rows = first_step < whole_batches ? (first_step + 1) * run.batch_size : count_;
  const int64_t begin = run.position(run.first_step);
  const int64_t taken = run.position(first_step + 1) - begin;
  const auto is_ready = [&] {
    if (rows_ready_ == count_) return true;
    return run.order == nullptr ? rows_ready_ >= rows : taken_ready_ >= taken;
  };
  std::unique_lock<std::mutex> lock(mutex_);
  copied_.wait(lock, is_ready);
  if (rows_ready_ == count_) return std::numeric_limits<int64_t>::max();
  const int64_t end = run.order == nullptr ? rows_ready_ / run.batch_size : run.step_at(begin + taken_ready_);
  return end - first_step;
}

}  // namespace fastmlp
