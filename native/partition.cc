#include "native/partition.h"

#include <algorithm>

#include "native/opcodes.h"
#include "native/team.h"

namespace fastmlp {

namespace {

// What one core takes, in nanoseconds, on the AVX-512 machine of bench/NOTES.md; a slower one gains from
// dividing wherever these say so.
constexpr double kFlop = 1.0 / 110;
constexpr double kByte = 1.0 / 60;
// Besides, for a byte that lies in the cache of another core, as what is divided does: up to what such a
// cache holds.
constexpr double kMovedByte = 1.0 / 25 - kByte;
constexpr double kCacheBytes = 750e3;
// Moving a number of an operand into the order in which a tile reads it.
constexpr double kPackedFloat = 0.1;
// Beginning a row of something done row by row.
constexpr double kRow = 20;
// An exponential or a logarithm.
constexpr double kFunction = 0.25;
// Handing an operation to others and waiting for the last of them; claiming a chunk and entering its kernel.
constexpr double kHandOver = 1000;
constexpr double kChunk = 200;
// Part of a chunk for which the first thread waits for the last one.
constexpr double kUneven = 0.125;
// Chunks of less are not worth their cache lines.
constexpr double kGrain = 3000;
// So much of the time must be gained, of an operation and of all of a program.
constexpr double kWorthIt = 0.15;
constexpr double kProgramWorthIt = 0.22;

// Chunks a thread, at most: with more than one, a thread that was late or interrupted holds nobody up.
constexpr int kChunksPerThread = 4;

// Floats of a chunk of an update, and columns of a product, which are whole tiles on every instruction set;
// where a product has few rows, tiles are wider.
constexpr int32_t kFloats = 64;
constexpr int32_t kThinColumns = 128;
constexpr int64_t kThinRows = 3;
// Rows of a product: whole tiles.
constexpr int32_t kProductRows = 12;

// What a chunk takes: for each place, each row and each column of it, nanoseconds of computing and bytes
// touched.
struct Cost {
  int32_t row_quantum = 1;
  int32_t column_quantum = 1;
  double place = 0;
  double row = 0;
  double column = 0;
  double place_bytes = 0;
  double row_bytes = 0;
  double column_bytes = 0;
};

// C = A B with depth `depth`: A is read for each column of chunks, B for each row of them; C is fetched and
// written.
Cost product(int64_t depth, bool packed, const Block& whole) {
  const double deep = static_cast<double>(depth);
  Cost cost;
  cost.row_quantum = kProductRows;
  cost.column_quantum = whole.rows.end <= kThinRows ? kThinColumns : kFloats;
  cost.place = 2 * deep * kFlop;
  cost.column = packed ? deep * kPackedFloat : 0;
  cost.place_bytes = 8;
  cost.row_bytes = 4 * deep;
  cost.column_bytes = 4 * deep;
  return cost;
}

// Rows of `units` numbers, each with so many bytes and functions.
Cost by_rows(int32_t units, double bytes, double functions) {
  Cost cost;
  cost.place = kRow + units * functions * kFunction;
  cost.place_bytes = units * bytes;
  return cost;
}

// Parameters with so many bytes each.
Cost by_floats(double bytes) {
  Cost cost;
  cost.row_quantum = kFloats;
  cost.place_bytes = bytes;
  return cost;
}

Cost cost_of(const operands::linear_forward& o, const Block& whole) {
  return product(o.inputs, false, whole);
}
Cost cost_of(const operands::linear_backward_input& o, const Block& whole) {
  return product(o.units, whole.rows.end > kThinRows, whole);
}
Cost cost_of(const operands::gather_rows& o, const Block&) { return by_rows(o.columns, 8, 0); }
Cost cost_of(const operands::gather_targets& o, const Block&) { return by_rows(o.columns, 8, 0); }
Cost cost_of(const operands::gather_labels&, const Block&) { return by_rows(1, 8, 0); }
Cost cost_of(const operands::store_rows& o, const Block&) { return by_rows(o.units, 8, 0); }
Cost cost_of(const operands::activation_backward& o, const Block&) { return by_rows(o.units, 12, 0); }
Cost cost_of(const operands::activation_forward& o, const Block&) { return by_rows(o.units, 8, 1); }
Cost cost_of(const operands::dropout& o, const Block&) { return by_rows(o.units, 8, 1); }
Cost cost_of(const operands::gaussian_noise& o, const Block&) { return by_rows(o.units, 8, 4); }
Cost cost_of(const operands::softmax_forward& o, const Block&) { return by_rows(o.units, 8, 1); }
Cost cost_of(const operands::softmax_backward& o, const Block&) { return by_rows(o.units, 12, 0); }
Cost cost_of(const operands::loss_backward& o, const Block&) { return by_rows(o.units, 12, 1); }
Cost cost_of(const operands::cross_entropy_labels& o, const Block&) { return by_rows(o.units, 4, 0); }
Cost cost_of(const operands::softmax_cross_entropy& o, const Block&) { return by_rows(o.units, 12, 1); }
Cost cost_of(const operands::softmax_cross_entropy_labels& o, const Block&) { return by_rows(o.units, 8, 1); }
Cost cost_of(const operands::sigmoid_binary_cross_entropy& o, const Block&) {
  return by_rows(o.units, 12, 2);
}
Cost cost_of(const operands::map_unary& o, const Block&) { return by_rows(o.columns, 8, 1); }
Cost cost_of(const operands::map_binary& o, const Block&) { return by_rows(o.columns, 12, 0); }
Cost cost_of(const operands::map_where& o, const Block&) { return by_rows(o.columns, 16, 0); }
Cost cost_of(const operands::map_row& o, const Block&) { return by_rows(o.columns, 8, 0); }
Cost cost_of(const operands::sgd_step& o, const Block&) { return by_floats(o.velocity < 0 ? 8 : 12); }
Cost cost_of(const operands::scale_by_rate& o, const Block&) { return by_rows(o.units, 4, 0); }
Cost cost_of(const operands::adam_step&, const Block&) { return by_floats(16); }
Cost cost_of(const operands::optimizer_step& o, const Block&) {
  return by_floats(12 + 4 * ((o.state2 >= 0 ? 1 : 0) + (o.state3 >= 0 ? 1 : 0)));
}
Cost cost_of(const operands::clip_gradient&, const Block&) { return by_floats(4); }
Cost cost_of(const operands::penalty&, const Block&) { return by_floats(8); }
Cost cost_of(const operands::average_step&, const Block&) { return by_floats(8); }
Cost cost_of(const operands::gradient_squares& o, const Block&) { return by_rows(o.block, 4, 0); }
Cost cost_of(const operands::max_norm& o, const Block&) { return by_floats(8.0 * o.inputs); }
Cost cost_of(const operands::layer_norm_forward& o, const Block&) { return by_rows(o.units, 8, 0); }
Cost cost_of(const operands::layer_norm_backward_input& o, const Block&) { return by_rows(o.units, 12, 0); }
// Never divided: they cost nothing that could be saved.
Cost cost_of(const operands::sum_losses&, const Block&) { return {}; }
Cost cost_of(const operands::count_correct&, const Block&) { return {}; }
Cost cost_of(const operands::count_correct_labels&, const Block&) { return {}; }
Cost cost_of(const operands::advance_moments&, const Block&) { return {}; }
Cost cost_of(const operands::train_rows&, const Block&) { return {}; }
Cost cost_of(const operands::reduction_scale&, const Block&) { return {}; }
Cost cost_of(const operands::advance_optimizer&, const Block&) { return {}; }
Cost cost_of(const operands::count_batches&, const Block&) { return {}; }
Cost cost_of(const operands::gradient_norm&, const Block&) { return {}; }
Cost cost_of(const operands::next_masks&, const Block&) { return {}; }

// The depth of a gradient of weights is the batch, and so is that of what is summed over the rows.
template <class Operands>
Cost cost_of(const Operands& o, const Block& whole, int64_t) {
  return cost_of(o, whole);
}
// The inputs, whose columns are what lies together, are packed for each column of chunks.
Cost cost_of(const operands::linear_backward_weights&, const Block& whole, int64_t rows) {
  Cost cost = product(rows, false, whole);
  cost.row = static_cast<double>(rows) * kPackedFloat;
  return cost;
}
Cost cost_of(const operands::batch_norm_forward&, const Block&, int64_t rows) {
  return by_floats(12.0 * static_cast<double>(rows));
}
Cost cost_of(const operands::batch_norm_backward& o, const Block&, int64_t rows) {
  return by_floats((o.gradient < 0 ? 8.0 : 20.0) * static_cast<double>(rows));
}
Cost cost_of(const operands::layer_norm_backward_weights&, const Block&, int64_t rows) {
  return by_floats(8.0 * static_cast<double>(rows));
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

// The division that is expected to be done first, if it is worth it. What is `spread` over the caches of
// several cores has to come together for a thread that works alone.
void divide(const Cost& cost, int threads, bool spread, Partition* partition) {
  const Block& whole = partition->whole;
  const auto bytes_of = [&](double rows, double columns) {
    return rows * columns * cost.place_bytes + rows * cost.row_bytes + columns * cost.column_bytes;
  };
  const auto time_of = [&](double rows, double columns) {
    const double computing = rows * columns * cost.place + rows * cost.row + columns * cost.column;
    return computing + bytes_of(rows, columns) * kByte;
  };
  const double all_rows = longest(whole.rows, 1, 1);
  const double all_columns = longest(whole.columns, 1, 1);
  const double others = threads - 1;
  const double elsewhere =
      std::min(bytes_of(all_rows, all_columns) * others / threads, kCacheBytes * others) * kMovedByte;
  partition->alone = time_of(all_rows, all_columns);
  const double alone = partition->alone + (spread ? elsewhere : 0);
  partition->time = alone;
  const int64_t limit = std::min(kChunksPerThread * threads, Team::kMostChunks);
  double best = alone * (1 - kWorthIt);
  for (int64_t across = most_parts(whole.columns, cost.column_quantum, limit); across > 0; across--) {
    const int64_t most_down = most_parts(whole.rows, cost.row_quantum, limit / across);
    for (int64_t down = 1; down <= most_down; down++) {
      const double rows = longest(whole.rows, cost.row_quantum, down);
      const double columns = longest(whole.columns, cost.column_quantum, across);
      const double chunk = time_of(rows, columns);
      if (down * across == 1 || chunk < kGrain) continue;
      const auto rounds = static_cast<double>((down * across + threads - 1) / threads);
      const double moved = std::min(rounds * bytes_of(rows, columns), kCacheBytes) * kMovedByte;
      const double time = kHandOver + moved + rounds * (chunk + kChunk) + chunk * kUneven;
      if (time >= best) continue;
      best = time;
      partition->row_parts = static_cast<int32_t>(down);
      partition->column_parts = static_cast<int32_t>(across);
      partition->time = time;
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

Partition partition_of(const int32_t* words, int64_t rows, int threads, bool spread) {
  Partition partition;
  Cost cost;
  switch (static_cast<Opcode>(*words)) {
#define FASTMLP_CASE(name, ...)                                          \
  case Opcode::name: {                                                   \
    const auto& o = *reinterpret_cast<const operands::name*>(words + 1); \
    partition.whole = block_of(whole_of(o, rows));                       \
    cost = cost_of(o, partition.whole, rows);                            \
    break;                                                               \
  }
    FASTMLP_OPERATIONS(FASTMLP_CASE)
#undef FASTMLP_CASE
  }
  partition.row_quantum = cost.row_quantum;
  partition.column_quantum = cost.column_quantum;
  divide(cost, threads, spread, &partition);
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
  entry.partition.divide(begin, end, rows, threads);
  return entry.partition;
}

void ProgramPartition::divide(const int32_t* begin, const int32_t* end, int64_t rows, int threads) {
  for (const bool spread : {false, true}) {
    operations.clear();
    double time = 0;
    double alone = 0;
    for (const int32_t* words = begin; words != end; words += kOperationStride) {
      operations.push_back(partition_of(words, rows, threads, spread));
      time += operations.back().time;
      alone += operations.back().alone;
    }
    saving = time < alone * (1 - kProgramWorthIt) ? alone - time : 0;
    if (saving == 0) return;
  }
}

void ProgramPartitions::forget() {
  for (Entry& entry : entries_) entry.begin = nullptr;
}

}  // namespace fastmlp
