#include "native/partition.h"

#include <algorithm>

#include "native/opcodes.h"
#include "native/team.h"

namespace fastmlp {

namespace {

// Rates of one core with AVX2 or more, in nanoseconds; a slower one gains from dividing where these say so. How
// they were found is in bench/NOTES.md.
constexpr double kFlop = 1.0 / 70;
constexpr double kByte = 1.0 / 30;
// Moving a number of the weights into the order in which a tile reads it.
constexpr double kPackedFloat = 0.25;
// Handing an operation to others and waiting for the last of them; claiming a chunk and entering its kernel.
constexpr double kHandOver = 1500;
constexpr double kChunk = 200;
// Chunks of less are not worth their cache lines.
constexpr double kGrain = 3000;
// So much of the time must be gained.
constexpr double kWorthIt = 0.1;

// Chunks a thread, at most: with more than one, a thread that was late or interrupted holds nobody up.
constexpr int kChunksPerThread = 4;

// Floats of a chunk of an update, and columns of a product, which are whole tiles on every instruction set; where a
// product has few rows, tiles are wider.
constexpr int32_t kFloats = 64;
constexpr int32_t kThinColumns = 128;
constexpr int64_t kThinRows = 3;
// Rows of a product: whole tiles.
constexpr int32_t kProductRows = 12;

// What an operation takes.
struct Cost {
  int32_t row_quantum = 1;
  int32_t column_quantum = 1;
  // Nanoseconds for each place; for each row of a chunk, of which each column of chunks takes its own time; and
  // for each column likewise.
  double place = 0;
  double row = 0;
  double column = 0;
};

constexpr double bytes(double count) { return count * kByte; }

// C = A B with depth `depth`: A is read for each column of chunks, B for each row of them.
Cost product(int64_t depth, bool transposed, const Block& whole) {
  const double deep = static_cast<double>(depth);
  Cost cost;
  cost.row_quantum = kProductRows;
  cost.column_quantum = whole.rows.end <= kThinRows ? kThinColumns : kFloats;
  cost.place = 2 * deep * kFlop + bytes(4);
  cost.row = bytes(4 * deep);
  cost.column = bytes(4 * deep) + (transposed ? deep * kPackedFloat : 0);
  return cost;
}

// `units` numbers a row at `each` nanoseconds.
Cost by_rows(double units, double each) {
  Cost cost;
  cost.place = 10 + units * each;
  return cost;
}

Cost by_floats(double each) {
  Cost cost;
  cost.row_quantum = kFloats;
  cost.place = each;
  return cost;
}

Cost cost_of(const operands::linear_forward& o, const Block& whole) {
  return product(o.inputs, false, whole);
}
Cost cost_of(const operands::linear_backward_input& o, const Block& whole) {
  return product(o.units, whole.rows.end > kThinRows, whole);
}
// In elements: 4 bytes in, 4 out.
Cost cost_of(const operands::gather_rows& o, const Block&) { return by_rows(o.columns, bytes(8)); }
Cost cost_of(const operands::gather_targets& o, const Block&) { return by_rows(o.columns, bytes(8)); }
Cost cost_of(const operands::gather_labels&, const Block&) { return by_rows(1, bytes(8)); }
Cost cost_of(const operands::store_rows& o, const Block&) { return by_rows(o.units, bytes(8)); }
Cost cost_of(const operands::activation_backward& o, const Block&) { return by_rows(o.units, bytes(12)); }
// An exponential takes half a nanosecond, a logarithm as much.
Cost cost_of(const operands::softmax_forward& o, const Block&) { return by_rows(o.units, 0.8); }
Cost cost_of(const operands::softmax_backward& o, const Block&) { return by_rows(o.units, bytes(16)); }
Cost cost_of(const operands::loss_backward& o, const Block&) { return by_rows(o.units, 0.5); }
Cost cost_of(const operands::cross_entropy_labels& o, const Block&) { return by_rows(o.units, bytes(4)); }
Cost cost_of(const operands::softmax_cross_entropy& o, const Block&) { return by_rows(o.units, 1.0); }
Cost cost_of(const operands::softmax_cross_entropy_labels& o, const Block&) {
  return by_rows(o.units, 0.8);
}
Cost cost_of(const operands::sigmoid_binary_cross_entropy& o, const Block&) {
  return by_rows(o.units, 1.0);
}
Cost cost_of(const operands::map_unary& o, const Block&) { return by_rows(o.columns, 0.4); }
Cost cost_of(const operands::map_binary& o, const Block&) { return by_rows(o.columns, bytes(12)); }
Cost cost_of(const operands::map_where& o, const Block&) { return by_rows(o.columns, bytes(16)); }
Cost cost_of(const operands::map_row& o, const Block&) { return by_rows(o.columns, bytes(8)); }
Cost cost_of(const operands::sgd_step& o, const Block&) {
  return by_floats(bytes(o.velocity < 0 ? 12 : 20));
}
Cost cost_of(const operands::adam_step&, const Block&) { return by_floats(bytes(28)); }
// Never divided: they cost nothing that could be saved.
Cost cost_of(const operands::sum_losses&, const Block&) { return {}; }
Cost cost_of(const operands::count_correct&, const Block&) { return {}; }
Cost cost_of(const operands::count_correct_labels&, const Block&) { return {}; }
Cost cost_of(const operands::advance_moments&, const Block&) { return {}; }
Cost cost_of(const operands::reduction_scale&, const Block&) { return {}; }

// The depth of a gradient of weights is the batch.
template <class Operands>
Cost cost_of(const Operands& o, const Block& whole, int64_t) {
  return cost_of(o, whole);
}
Cost cost_of(const operands::linear_backward_weights&, const Block& whole, int64_t rows) {
  return product(rows, false, whole);
}

// Where part `part` of `parts` begins.
int64_t part_begin(const Span& whole, int64_t quantum, int64_t parts, int64_t part) {
  if (part == parts) return whole.end;
  const int64_t quanta = (whole.end - whole.begin) / quantum;
  return whole.begin + part * quanta / parts * quantum;
}

// Length of the longest part.
double longest(const Span& whole, int64_t quantum, int64_t parts) {
  const int64_t length = whole.end - whole.begin;
  if (parts == 1) return static_cast<double>(length);
  const int64_t quanta = length / quantum;
  const int64_t last = length - (parts - 1) * quanta / parts * quantum;
  return static_cast<double>(std::max((quanta + parts - 1) / parts * quantum, last));
}

int64_t most_parts(const Span& whole, int64_t quantum, int64_t limit) {
  return std::clamp((whole.end - whole.begin) / quantum, int64_t{1}, limit);
}

// The division whose last chunk is expected to be done first: rounds of the longest chunk, and half a chunk more
// since threads neither begin nor end together.
void divide(const Cost& cost, int threads, Partition* partition) {
  const auto time_of = [&](double rows, double columns) {
    return rows * columns * cost.place + rows * cost.row + columns * cost.column;
  };
  const Block& whole = partition->whole;
  const double alone = time_of(longest(whole.rows, 1, 1), longest(whole.columns, 1, 1));
  const int64_t limit = std::min(kChunksPerThread * threads, Team::kMostChunks);
  double best = alone * (1 - kWorthIt);
  for (int64_t across = most_parts(whole.columns, cost.column_quantum, limit); across > 0; across--) {
    const int64_t most_down = most_parts(whole.rows, cost.row_quantum, limit / across);
    for (int64_t down = 1; down <= most_down; down++) {
      if (down * across == 1) continue;
      const double chunk = time_of(longest(whole.rows, cost.row_quantum, down),
                                   longest(whole.columns, cost.column_quantum, across));
      if (chunk < kGrain) continue;
      const auto rounds = static_cast<double>((down * across + threads - 1) / threads);
      const double time = kHandOver + rounds * (chunk + kChunk) + chunk / 2;
      if (time >= best) continue;
      best = time;
      partition->row_parts = static_cast<int32_t>(down);
      partition->column_parts = static_cast<int32_t>(across);
      partition->saving = static_cast<float>(alone - time);
    }
  }
}

}  // namespace

Block Partition::chunk(int index) const {
  const int64_t down = index % row_parts;
  const int64_t across = index / row_parts;
  return {{part_begin(whole.rows, row_quantum, row_parts, down),
           part_begin(whole.rows, row_quantum, row_parts, down + 1)},
          {part_begin(whole.columns, column_quantum, column_parts, across),
           part_begin(whole.columns, column_quantum, column_parts, across + 1)}};
}

Partition partition_of(const int32_t* words, int64_t rows, int threads) {
  Partition partition;
  Cost cost;
  switch (static_cast<Opcode>(*words)) {
#define FASTMLP_CASE(name, ...)                                              \
  case Opcode::name: {                                                       \
    const auto& o = *reinterpret_cast<const operands::name*>(words + 1);     \
    partition.whole = block_of(whole_of(o, rows));                           \
    cost = cost_of(o, partition.whole, rows);                                \
    break;                                                                   \
  }
    FASTMLP_OPERATIONS(FASTMLP_CASE)
#undef FASTMLP_CASE
  }
  partition.row_quantum = cost.row_quantum;
  partition.column_quantum = cost.column_quantum;
  divide(cost, threads, &partition);
  return partition;
}

const ProgramPartition& ProgramPartitions::of(const int32_t* begin, const int32_t* end, int64_t rows,
                                              int threads) {
  for (const Entry& entry : entries_) {
    const bool same = entry.begin == begin && entry.end == end;
    if (same && entry.rows == rows && entry.threads == threads) return entry.partition;
  }
  Entry& entry = entries_[oldest_];
  oldest_ = (oldest_ + 1) % entries_.size();
  entry.begin = begin;
  entry.end = end;
  entry.rows = rows;
  entry.threads = threads;
  ProgramPartition& partition = entry.partition;
  partition.operations.clear();
  partition.saving = 0;
  for (const int32_t* words = begin; words != end; words += kOperationStride) {
    partition.operations.push_back(partition_of(words, rows, threads));
    partition.saving += partition.operations.back().saving;
  }
  return partition;
}

void ProgramPartitions::forget() {
  for (Entry& entry : entries_) entry.begin = nullptr;
}

}  // namespace fastmlp
