// Runs an operation on every instruction set this machine can run. The operands lie in one arena with poisoned
// gaps between them, one of them at the very end, before a page that must not be touched; so do the rows of the
// data. Results must agree with the scalar target, gaps must stay as they were. Each operation is executed
// whole, in the shares of a partition, which must give the same bits, and in shares with odd borders.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "native/batch.h"
#include "native/dispatch.h"
#include "native/opcodes.h"
#include "native/partition.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace edges {

using fastmlp::Batch;
using fastmlp::Block;
using fastmlp::Element;
using fastmlp::Opcode;
using fastmlp::Partition;

// Memory that ends at a page without access.
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (bytes + page - 1) / page * page;
    mapped_ = usable_ + page;
    void* base = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base_ = static_cast<char*>(base);
    mprotect(base_ + usable_, page, PROT_NONE);
  }
  ~GuardedMemory() { munmap(base_, mapped_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  // The last `count` elements.
  template <class T>
  T* last(size_t count) const {
    return reinterpret_cast<T*>(base_ + usable_) - count;
  }

 private:
  char* base_;
  size_t usable_;
  size_t mapped_;
};

struct Buffer {
  size_t operand;
  int64_t length;
};

// One operation: its operands, with the buffers among them still to be placed.
struct Case {
  std::string name;
  Opcode opcode;
  std::vector<int32_t> operands;
  std::vector<Buffer> buffers;
  int64_t rows;
  int64_t units = 1;
  Element element = Element::float32;
  // Four of five numbers of the first buffer are zero.
  bool sparse = false;
  // Rows of `units` numbers are read where they lie in the data.
  bool in_place = false;
};

constexpr int kGap = 16;
constexpr int64_t kRowCount = 9;
// Of those that train_rows goes through.
constexpr int64_t kRowsPerEpoch = 2;
constexpr float kCanary = -12345.0f;

inline uint32_t random_state = 1;
inline float random_number() {
  random_state = random_state * 1664525u + 1013904223u;
  return 0.05f + 0.9f * static_cast<float>(random_state >> 8) / 16777216.0f;
}

class Run {
 public:
  Run(const Case& test, size_t last) : test_(test) {
    // Buffers begin on 8 bytes, where the address sanitizer can tell a gap from them.
    size_t length = 0;
    for (const Buffer& buffer : test.buffers) {
      length += kGap + static_cast<size_t>(buffer.length) + 1;
    }
    length += kGap;
    arena_ = std::make_unique<GuardedMemory>(length * sizeof(float));
    const auto tail = static_cast<size_t>(test.buffers[last].length);
    length += (length + tail) % 2;
    begin_ = arena_->last<float>(length);
    initial_.assign(length, kCanary);
    size_t place = kGap - kGap % 2 + (reinterpret_cast<uintptr_t>(begin_) / sizeof(float)) % 2;
    words_ = {static_cast<int32_t>(test.opcode)};
    words_.insert(words_.end(), test.operands.begin(), test.operands.end());
    words_.resize(fastmlp::kOperationStride);
    for (size_t index = 0; index < test.buffers.size(); index++) {
      const Buffer& buffer = test.buffers[index];
      const auto size = static_cast<size_t>(buffer.length);
      const size_t offset = index == last ? length - size : place;
      if (index != last) place += size + kGap + size % 2;
      words_[buffer.operand + 1] = static_cast<int32_t>(offset);
      places_.push_back({offset, size});
      for (size_t i = 0; i < size; i++) {
        const bool zero = test.sparse && index == 0 && random_number() < 0.77f;
        initial_[offset + i] = zero ? 0.0f : random_number();
      }
    }
  }

  // Labels are integers; the first one lies outside.
  void set_labels(size_t operand, int64_t units) {
    const auto offset = static_cast<size_t>(words_[operand + 1]);
    for (int64_t r = 0; r < test_.rows; r++) {
      initial_[offset + static_cast<size_t>(r)] = r == 0 ? -1.0f : static_cast<float>((r * 7) % units);
    }
  }

  // How the operation is divided, whether or not that pays.
  Partition partition() const { return fastmlp::partition_of(words_.data(), test_.rows, 8, true); }

  // The arena and the scalars after the operation, or after all of these shares, and what it stored. With panels the
  // weights of a linear_forward lie in them as well.
  std::vector<double> execute(const fastmlp::Target& target, const std::vector<Block>& shares = {},
                              bool with_panels = false) {
    std::memcpy(begin_, initial_.data(), initial_.size() * sizeof(float));
    const auto columns = static_cast<size_t>(test_.units);
    const auto rows = static_cast<size_t>(test_.rows);
    const size_t elements = (test_.in_place ? rows : static_cast<size_t>(kRowCount)) * columns;
    GuardedMemory inputs(elements * sizeof(double));
    GuardedMemory labels(static_cast<size_t>(kRowCount) * sizeof(int32_t));
    GuardedMemory order(rows * sizeof(uint32_t));
    GuardedMemory result(rows * columns * sizeof(double));
    const size_t epochs_ended = rows / static_cast<size_t>(kRowsPerEpoch);
    const size_t metrics_length = epochs_ended * static_cast<size_t>(fastmlp::ScalarCode::first_free);
    GuardedMemory metrics(metrics_length * sizeof(double));
    GuardedMemory workspace(static_cast<size_t>(*target.workspace_size) * sizeof(float) + 64);
    for (size_t i = 0; i < elements; i++) {
      const float value = test_.in_place ? initial_[places_[0].offset + i] : static_cast<float>(i % 251);
      if (test_.element == Element::float32) inputs.last<float>(elements)[i] = value;
      if (test_.element == Element::float64) inputs.last<double>(elements)[i] = static_cast<double>(value);
      if (test_.element == Element::uint8) inputs.last<uint8_t>(elements)[i] = static_cast<uint8_t>(value);
    }
    for (int64_t i = 0; i < kRowCount; i++) labels.last<int32_t>(kRowCount)[i] = static_cast<int32_t>(3 * i);
    for (size_t r = 0; r < rows; r++) {
      order.last<uint32_t>(rows)[r] = static_cast<uint32_t>((r * 5 + kRowCount - 1) % kRowCount);
    }
    double scalars[] = {1,   2,   3,   0.1, 0.01, 0.9, 0.9, 0.999, 1e-8, 0.81, 0.998, 0.5, 0.5,
                        0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,  0.5, 0.5,  0.5};
    Batch batch{};
    batch.begin = words_.data();
    batch.end = words_.data() + words_.size();
    batch.arena = begin_;
    batch.scalars = scalars;
    // The workspace begins on a cache line, so it may end a little before the page.
    const auto workspace_size = static_cast<size_t>(*target.workspace_size + 15) / 16 * 16;
    batch.workspace = workspace.last<float>(workspace_size);
    const size_t panels_size = with_panels ? panels_size_on(target) : 0;
    GuardedMemory panels_memory(panels_size * sizeof(float));
    float* const panels = panels_memory.last<float>(panels_size);
    const fastmlp::PackedWeights packed{words_[2], panels};
    if (with_panels) {
      target.pack_panels(begin_ + words_[2], words_[6], words_[7], panels);
      batch.packed_begin = &packed;
      batch.packed_end = &packed + 1;
    }
    batch.rows = test_.rows;
    batch.order = order.last<uint32_t>(rows);
    batch.rows_per_epoch = kRowsPerEpoch;
    batch.epoch_metrics = metrics.last<double>(metrics_length);
    const size_t bytes = test_.element == Element::float64 ? 8 : test_.element == Element::uint8 ? 1 : 4;
    const void* data = inputs.last<char>(elements * bytes);
    if (test_.in_place) {
      batch.in_place.rows = inputs.last<float>(elements);
      batch.in_place.buffer = words_[1];
      batch.in_place.columns = static_cast<int32_t>(columns);
      batch.order = nullptr;
    }
    batch.source = {data, data, labels.last<int32_t>(kRowCount), test_.element, test_.element};
    batch.result_element = test_.element;
    batch.result = result.last<char>(rows * columns * bytes);

    poison(true);
    if (shares.empty()) target.execute(batch);
    for (const Block& share : shares) target.execute_share(batch, share);
    poison(false);
    std::vector<double> after(begin_, begin_ + initial_.size());
    after.insert(after.end(), std::begin(scalars), std::end(scalars));
    if (test_.opcode == Opcode::train_rows) {
      const double* const epochs = metrics.last<double>(metrics_length);
      after.insert(after.end(), epochs, epochs + metrics_length);
    }
    if (test_.opcode == Opcode::store_rows) {
      for (size_t i = 0; i < rows * columns; i++) {
        const bool wide = test_.element == Element::float64;
        after.push_back(wide ? result.last<double>(rows * columns)[i]
                             : static_cast<double>(result.last<float>(rows * columns)[i]));
      }
    }
    return after;
  }

  // Whether every gap is as it was.
  bool gaps_intact(const std::vector<double>& after) const {
    std::vector<bool> inside(initial_.size(), false);
    for (const Place& place : places_) std::fill_n(inside.begin() + place.offset, place.size, true);
    for (size_t i = 0; i < initial_.size(); i++) {
      if (!inside[i] && after[i] != static_cast<double>(kCanary)) return false;
    }
    return true;
  }

 private:
  struct Place {
    size_t offset;
    size_t size;
  };

  // In whole cache lines, on which panels begin.
  size_t panels_size_on(const fastmlp::Target& target) const {
    return static_cast<size_t>(target.panels_size(words_[6], words_[7]) + 15) / 16 * 16;
  }

  void poison(bool on) {
    if (!on) {
      ASAN_UNPOISON_MEMORY_REGION(begin_, initial_.size() * sizeof(float));
      return;
    }
    ASAN_POISON_MEMORY_REGION(begin_, initial_.size() * sizeof(float));
    for (const Place& place : places_) {
      ASAN_UNPOISON_MEMORY_REGION(begin_ + place.offset, place.size * sizeof(float));
    }
  }

  const Case& test_;
  std::unique_ptr<GuardedMemory> arena_;
  float* begin_;
  std::vector<float> initial_;
  std::vector<int32_t> words_;
  std::vector<Place> places_;
};

inline int failures = 0;
inline int runs = 0;
// Goes on with every case, so that the borders of odd shares come to lie everywhere.
inline size_t share_turn = 0;

inline void fail(const Case& test, const char* target, const char* what) {
  std::printf("%s on %s: %s\n", test.name.c_str(), target, what);
  failures++;
}

// Operations that one thread executes, and products that a single loop makes, which are too small to divide.
inline bool is_divisible(const Case& test) {
  switch (test.opcode) {
    case Opcode::sum_losses:
    case Opcode::count_correct:
    case Opcode::count_correct_labels:
    case Opcode::advance_moments:
    case Opcode::reduction_scale:
    case Opcode::next_masks:
    case Opcode::train_rows:
      return false;
    case Opcode::linear_forward:
    case Opcode::linear_backward_weights:
    case Opcode::linear_backward_input: {
      const size_t inputs = test.opcode == Opcode::linear_forward ? 5 : 4;
      return test.rows * test.operands[inputs] * test.operands[inputs + 1] > 16;
    }
    default:
      return true;
  }
}

// The chunks of a partition into `down` and `across` parts, or as many as there may be.
inline std::vector<Block> chunks_of(Partition partition, int64_t down, int64_t across) {
  const auto parts = [](const fastmlp::Span& span, int64_t quantum, int64_t wanted) {
    return static_cast<int32_t>(std::clamp((span.end - span.begin) / quantum, int64_t{1}, wanted));
  };
  partition.row_parts = parts(partition.whole.rows, partition.row_quantum, down);
  partition.column_parts = parts(partition.whole.columns, partition.column_quantum, across);
  std::vector<Block> chunks;
  for (int index = 0; index < partition.chunks(); index++) chunks.push_back(partition.chunk(index));
  return chunks;
}

// Four shares that meet at a place, which may lie on a border.
inline std::vector<Block> quarters_of(const Block& whole, int64_t row, int64_t column) {
  const fastmlp::Span rows[] = {{whole.rows.begin, row}, {row, whole.rows.end}};
  const fastmlp::Span columns[] = {{whole.columns.begin, column}, {column, whole.columns.end}};
  std::vector<Block> shares;
  for (const fastmlp::Span& r : rows) {
    for (const fastmlp::Span& c : columns) {
      if (r.begin < r.end && c.begin < c.end) shares.push_back({r, c});
    }
  }
  return shares;
}

inline bool is_close(const std::vector<double>& received, const std::vector<double>& expected, double tolerance,
              size_t* place) {
  for (size_t i = 0; i < expected.size(); i++) {
    const double difference = std::fabs(received[i] - expected[i]);
    if (received[i] == expected[i] || difference <= tolerance * (std::fabs(expected[i]) + 0.1)) continue;
    *place = i;
    return false;
  }
  return true;
}

inline void check_shares(const Case& test, Run* run, const fastmlp::Target& target, const std::vector<double>& whole,
                  size_t turn) {
  const Partition partition = run->partition();
  const Block& all = partition.whole;
  size_t place = 0;
  for (const auto& [down, across] : {std::pair(2, 1), std::pair(1, 2), std::pair(3, 5)}) {
    const std::vector<Block> chunks = chunks_of(partition, down, across);
    if (chunks.size() == 1) continue;
    runs++;
    const std::vector<double> received = run->execute(target, chunks);
    if (!run->gaps_intact(received)) fail(test, target.id, "wrote outside its operands in shares");
    if (!is_close(received, whole, 0, &place)) {
      fail(test, target.id, ("has other bits in shares at " + std::to_string(place)).c_str());
    }
  }
  const int64_t row = static_cast<int64_t>(2 * turn + 1) % (all.rows.end + 1);
  const int64_t column = static_cast<int64_t>(2 * turn + 1) % (all.columns.end + 1);
  runs++;
  const std::vector<double> received = run->execute(target, quarters_of(all, row, column));
  if (!run->gaps_intact(received)) fail(test, target.id, "wrote outside its operands in odd shares");
  if (!is_close(received, whole, 1e-4, &place)) {
    fail(test, target.id, ("differs in odd shares at " + std::to_string(place)).c_str());
  }
}

// Weights in panels make the same bits, in shares as well.
inline void check_panels(const Case& test, Run* run, const fastmlp::Target& target,
                         const std::vector<double>& whole, size_t border) {
  const Partition partition = run->partition();
  const Block& all = partition.whole;
  const int64_t row = static_cast<int64_t>(border) % (all.rows.end + 1);
  const int64_t column = std::min<int64_t>(all.columns.end, border % 2 == 0 ? 64 : 37);
  size_t place = 0;
  for (const std::vector<Block>& shares :
       {std::vector<Block>(), chunks_of(partition, 2, 3), quarters_of(all, row, column)}) {
    runs++;
    const std::vector<double> received = run->execute(target, shares, true);
    if (!run->gaps_intact(received)) fail(test, target.id, "wrote outside its operands with panels");
    if (!is_close(received, whole, 0, &place)) {
      fail(test, target.id, ("has other bits with panels at " + std::to_string(place)).c_str());
    }
  }
}

// Runs a case with each of its buffers last, or with one of them, `turn`, if it is a large one.
inline void check(const Case& test, size_t turn, bool every, int labels_operand = -1) {
  const fastmlp::Target* scalar = fastmlp::find_target("native-scalar");
  for (size_t last = 0; last < test.buffers.size(); last++) {
    if (!every && last != turn % test.buffers.size()) continue;
    Run run(test, last);
    if (labels_operand >= 0) run.set_labels(static_cast<size_t>(labels_operand), test.units);
    const std::vector<double> expected = run.execute(*scalar);
    if (!run.gaps_intact(expected)) fail(test, scalar->id, "wrote outside its operands");
    const size_t border = share_turn++;
    if (is_divisible(test)) check_shares(test, &run, *scalar, expected, border);
    if (test.opcode == Opcode::linear_forward && is_divisible(test)) {
      check_panels(test, &run, *scalar, expected, border);
    }
    for (const fastmlp::Target& target : fastmlp::kTargets) {
      if (&target == scalar || target.unusable() != nullptr) continue;
      runs++;
      const std::vector<double> received = run.execute(target);
      if (!run.gaps_intact(received)) fail(test, target.id, "wrote outside its operands");
      size_t place = 0;
      if (!is_close(received, expected, 1e-4, &place)) {
        fail(test, target.id, ("differs from the scalar target at " + std::to_string(place)).c_str());
      }
      if (is_divisible(test)) check_shares(test, &run, target, received, border);
      if (test.opcode == Opcode::linear_forward && is_divisible(test)) {
        check_panels(test, &run, target, received, border);
      }
    }
  }
}

inline std::string sizes(const char* name, int64_t rows, int64_t inputs, int64_t units) {
  return std::string(name) + " rows " + std::to_string(rows) + " inputs " + std::to_string(inputs) +
         " units " + std::to_string(units);
}

}  // namespace edges
