// What a target executes: one program on the rows of one batch.
#pragma once

#include <cstdint>

#include "native/packed_weights.h"

namespace fastmlp {

// Element type of the rows a run reads or writes.
enum class Element { float32, uint8, float64 };

// Rows as the caller has them, row-major; `targets` or `labels` may be null.
struct Rows {
  const void* inputs;
  const void* targets;
  const int32_t* labels;
  Element input_element;
  Element target_element;
};

// Rows of a batch that products read where they lie in the source instead of gathered.
struct RowsInPlace {
  // The first one; null where they are gathered.
  const float* rows;
  // Where in the arena they would be gathered, and how many numbers make one.
  int32_t buffer;
  int32_t columns;
};

struct Batch {
  // Operations of the program, kOperationStride words each.
  const int32_t* begin;
  const int32_t* end;
  float* arena;
  double* scalars;
  // Room for packed panels, as many floats as the target asks for, on a cache line.
  float* workspace;
  // Rows of the batch, and the position of its first row in the epoch.
  int64_t rows;
  int64_t position;
  // Data row of each row of the batch; null for `position`, `position + 1`, …
  const uint32_t* order;
  // A train_rows goes on with the next epoch after so many rows, and puts the metrics of each epoch that it
  // ends here.
  int64_t rows_per_epoch;
  double* epoch_metrics;
  Rows source;
  RowsInPlace in_place;
  // What there is in panels.
  const PackedWeights* packed_begin;
  const PackedWeights* packed_end;
  void* result;
  Element result_element;
};

}  // namespace fastmlp
