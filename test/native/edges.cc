// Every operation at sizes around the vectors and tiles, as edges.h checks it. Built and run by
// tools/test-sanitize.mjs with the address and undefined-behaviour sanitizers.
#include <cstdio>
#include <vector>

#include "test/native/edges.h"

namespace edges {

// linear_forward, linear_backward_weights and linear_backward_input.
void check_products(int64_t rows, int64_t inputs, int64_t units, int32_t activation, size_t turn, bool every,
                    bool sparse = false) {
  const auto i = static_cast<int32_t>(inputs);
  const auto u = static_cast<int32_t>(units);
  Case forward{sizes("linear_forward", rows, inputs, units), Opcode::linear_forward, {}, {}, rows};
  forward.operands = {0, 0, 0, 0, 0, i, u, activation};
  forward.buffers = {
      {0, rows * inputs}, {1, inputs * units}, {2, units}, {3, rows * units}, {4, rows * units}};
  forward.sparse = sparse;
  check(forward, turn, every);
  forward.name += " in place";
  forward.units = inputs;
  forward.in_place = true;
  check(forward, turn, every);
  Case weights{
      sizes("linear_backward_weights", rows, inputs, units), Opcode::linear_backward_weights, {}, {}, rows};
  weights.buffers = {{0, rows * inputs}, {1, rows * units}, {2, inputs * units}, {3, units}};
  weights.sparse = sparse;
  for (int32_t accumulate = 0; accumulate < 2; accumulate++) {
    weights.operands = {0, 0, 0, 0, i, u, accumulate};
    check(weights, turn, every);
    Case in_place = weights;
    in_place.name += " in place";
    in_place.units = inputs;
    in_place.in_place = true;
    check(in_place, turn, every);
  }
  Case input{
      sizes("linear_backward_input", rows, inputs, units), Opcode::linear_backward_input, {}, {}, rows};
  input.operands = {0, 0, 0, 0, i, u, activation};
  input.buffers = {{0, rows * units}, {1, inputs * units}, {2, rows * inputs}, {3, rows * inputs}};
  check(input, turn, every);
}

// Softmax and its fusion with cross-entropy, with the gradient and without.
void check_softmax(int64_t rows, int64_t units) {
  const auto u = static_cast<int32_t>(units);
  const int64_t all = rows * units;
  const auto named = [&](const char* name) { return sizes(name, rows, 0, units); };
  check({named("softmax_forward"), Opcode::softmax_forward, {0, 0, u}, {{0, all}, {1, all}}, rows}, 0, true);
  for (const bool gradient : {true, false}) {
    const int32_t delta = gradient ? 0 : -1;
    std::vector<Buffer> buffers = {{0, all}, {1, all}, {3, rows}};
    if (gradient) buffers.push_back({2, all});
    check({named("softmax_cross_entropy"), Opcode::softmax_cross_entropy, {0, 0, delta, 0, u, 0}, buffers, rows}, 0,
          true);
    buffers[1].length = rows;
    Case labelled{named("softmax_cross_entropy_labels"),
                  Opcode::softmax_cross_entropy_labels,
                  {0, 0, delta, 0, u, 1},
                  buffers,
                  rows};
    labelled.units = units;
    check(labelled, 0, true, 1);
  }
}

// Operations on rows of `units` numbers.
void check_rows(int64_t rows, int64_t units) {
  const auto u = static_cast<int32_t>(units);
  const int64_t all = rows * units;
  const auto named = [&](const char* name) { return sizes(name, rows, 0, units); };
  check_softmax(rows, units);
  check({named("softmax_backward"),
         Opcode::softmax_backward,
         {0, 0, 0, u},
         {{0, all}, {1, all}, {2, all}},
         rows},
        0, true);
  for (int32_t code = 0; code < 6; code++) {
    check({named("activation_backward"),
           Opcode::activation_backward,
           {0, 0, 0, u, code == 4 ? 0 : code},
           {{0, all}, {1, all}, {2, all}},
           rows},
          static_cast<size_t>(code), false);
  }
  const std::vector<Buffer> with_target = {{0, all}, {1, all}, {2, all}, {3, rows}};
  const std::vector<Buffer> with_labels = {{0, all}, {1, rows}, {2, all}, {3, rows}};
  for (int32_t code = 0; code < 5; code++) {
    check({named("loss_backward"), Opcode::loss_backward, {0, 0, 0, 0, u, code, 1}, with_target, rows}, 0,
          true);
  }
  const auto labelled = [&](const char* name, Opcode opcode) {
    Case test{named(name), opcode, {0, 0, 0, 0, u, 1}, with_labels, rows};
    test.units = units;
    check(test, 0, true, 1);
  };
  labelled("cross_entropy_labels", Opcode::cross_entropy_labels);
  check({named("sigmoid_binary_cross_entropy"),
         Opcode::sigmoid_binary_cross_entropy,
         {0, 0, 0, 0, u, 1},
         with_target,
         rows},
        0, true);
  for (int32_t decision = 0; decision < 3; decision++) {
    check({named("count_correct"), Opcode::count_correct, {0, 0, u, decision}, {{0, all}, {1, all}}, rows}, 0,
          true);
  }
  Case count{
      named("count_correct_labels"), Opcode::count_correct_labels, {0, 0, u}, {{0, all}, {1, rows}}, rows};
  count.units = units;
  check(count, 0, true, 1);
  check({named("sum_losses"), Opcode::sum_losses, {0}, {{0, rows}}, rows}, 0, true);
  for (int32_t code = 0; code < 6; code++) {
    check({named("activation_forward"),
           Opcode::activation_forward,
           {0, 0, u, code},
           {{0, all}, {1, all}},
           rows},
          static_cast<size_t>(code % 2), false);
  }
  for (size_t last = 0; last < 2; last++) {
    check({named("dropout"), Opcode::dropout, {0, 0, u, 5000000, 2, 10}, {{0, all}, {1, all}}, rows}, last,
          true);
    check({named("gaussian_noise"), Opcode::gaussian_noise, {0, 0, u, 5, 2, 10}, {{0, all}, {1, all}}, rows},
          last, false);
  }
  check({named("next_masks"), Opcode::next_masks, {10}, {{0, 1}}, rows}, 0, true);
  check({named("scale_by_rate"), Opcode::scale_by_rate, {0, u, 3}, {{0, all}}, rows}, 0, true);
}

// Steps of tiny networks, on rows of every element whose targets are the rows themselves.
void check_tiny(int64_t rows, int32_t units, Element element) {
  const int32_t element_code = static_cast<int32_t>(element);
  for (int32_t loss = 0; loss < 5; loss++) {
    const bool logistic = loss > 2;
    Case test{sizes("train_rows", rows, units, units), Opcode::train_rows, {}, {}, rows};
    test.operands = {0, units, 3, 4, units, 1, 2, logistic ? 1 : element_code % 3, loss, loss % 3, 4};
    test.buffers = {{0, (units + 1) * 3 + 4 * 4 + 5 * units}};
    test.units = units;
    test.element = element;
    check(test, 0, true);
  }
}

// Rows of the data in and out, with every kind of transform and element.
void check_gathering(int64_t rows, int64_t columns) {
  const auto c = static_cast<int32_t>(columns);
  const auto named = [&](const char* name) { return sizes(name, rows, columns, 0); };
  const auto each = [&](Case test) {
    test.units = columns;
    check(test, 0, true);
  };
  for (const Element element : {Element::float32, Element::uint8, Element::float64}) {
    const int64_t all = rows * columns;
    each({named("gather_rows"), Opcode::gather_rows, {0, c, -1, -1, 0}, {{0, all}}, rows, 1, element});
    each({named("gather_rows scaled"),
          Opcode::gather_rows,
          {0, c, 0, 0, 0},
          {{0, all}, {2, 1}, {3, 1}},
          rows,
          1,
          element});
    each({named("gather_rows per column"),
          Opcode::gather_rows,
          {0, c, 0, 0, 1},
          {{0, all}, {2, columns}, {3, columns}},
          rows,
          1,
          element});
    if (element == Element::uint8) continue;
    each({named("gather_targets"), Opcode::gather_targets, {0, c, c, 0}, {{0, all}}, rows, 1, element});
    each({named("store_rows"), Opcode::store_rows, {0, c}, {{0, all}}, rows, 1, element});
  }
  each({named("gather_labels"), Opcode::gather_labels, {0}, {{0, rows}}, rows});
}

void check_optimizers(int64_t count) {
  const auto n = static_cast<int32_t>(count);
  const auto named = [&](const char* name) { return sizes(name, 0, 0, count); };
  const std::vector<Buffer> plain = {{0, count}, {1, count}};
  const std::vector<Buffer> with_velocity = {{0, count}, {1, count}, {2, count}};
  const std::vector<Buffer> with_moments = {{0, count}, {1, count}, {2, count}, {3, count}};
  check({named("sgd_step"), Opcode::sgd_step, {0, 0, -1, n, 3, -1, 4, 0}, plain, 1}, 0, true);
  for (int32_t flag = 0; flag < 2; flag++) {
    check({named("sgd_step"), Opcode::sgd_step, {0, 0, 0, n, 3, 5, 4, flag}, with_velocity, 1}, 0, true);
    check({named("adam_step"), Opcode::adam_step, {0, 0, 0, 0, n, 3, 6, 4, flag}, with_moments, 1}, 0, true);
  }
  const std::vector<Buffer> with_all = {{0, count}, {1, count}, {2, count}, {3, count}, {4, count}};
  for (int32_t rule = 0; rule <= 8; rule++) {
    check({named("optimizer_step"), Opcode::optimizer_step, {0, 0, 0, 0, 0, n, 2, rule}, with_all, 1}, 0, true);
  }
  const std::vector<Buffer> one = {{0, count}};
  for (int32_t kind = 0; kind < 3; kind++) {
    check({named("clip_gradient"), Opcode::clip_gradient, {0, n, kind, 3, 5}, one, 1}, 0, true);
  }
  check({named("penalty"), Opcode::penalty, {0, 0, n, 3, 4, 1}, plain, 1}, 0, true);
  check({named("average_step"), Opcode::average_step, {0, 0, n, 5}, plain, 1}, 0, true);
  check({named("gradient_squares"), Opcode::gradient_squares, {0, n, 8, 0}, {{0, count}, {3, (count + 7) / 8}}, 1}, 0, true);
  check({named("max_norm"), Opcode::max_norm, {0, 3, n, 3}, {{0, 3 * count}}, 1}, 0, true);
}

// Maps over operands of every extent.
void check_maps(int64_t rows, int64_t columns) {
  const auto c = static_cast<int32_t>(columns);
  const auto named = [&](const char* name) { return sizes(name, rows, columns, 0); };
  const int64_t all = rows * columns;
  const int64_t lengths[] = {all, rows, columns, 1};
  for (int32_t a = 0; a < 4; a++) {
    for (int32_t function = 0; function <= 12; function++) {
      check(
          {named("map_unary"), Opcode::map_unary, {0, a, 0, c, function}, {{0, lengths[a]}, {2, all}}, rows},
          static_cast<size_t>(function), false);
    }
    for (int32_t function = 0; function < 3; function++) {
      const int64_t stored = function == 2 ? all : rows;
      check({named("map_row"), Opcode::map_row, {0, a, 0, c, function}, {{0, lengths[a]}, {2, stored}}, rows},
            0, true);
    }
    for (int32_t b = 0; b < 4; b++) {
      const std::vector<Buffer> two = {{0, lengths[a]}, {2, lengths[b]}, {4, all}};
      for (int32_t function = 0; function <= 8; function++) {
        check({named("map_binary"), Opcode::map_binary, {0, a, 0, b, 0, c, function}, two, rows},
              static_cast<size_t>(function), false);
      }
      const std::vector<Buffer> three = {{0, lengths[b]}, {2, lengths[a]}, {4, lengths[b]}, {6, all}};
      check({named("map_where"), Opcode::map_where, {0, b, 0, a, 0, b, 0, c}, three, rows},
            static_cast<size_t>(a + b), false);
    }
  }
  check({named("reduction_scale"), Opcode::reduction_scale, {0, 1}, {{0, 1}}, rows}, 0, true);
}

// Normalisation over the rows of a batch and over the units of a row.
void check_norms(int64_t rows, int64_t units, size_t turn, bool every) {
  const auto u = static_cast<int32_t>(units);
  const int64_t all = rows * units;
  const auto named = [&](const char* name) { return sizes(name, rows, 0, units); };
  std::vector<Buffer> buffers = {{0, all}, {1, all}};
  for (const size_t operand : {2, 3, 4, 5, 6, 7}) buffers.push_back({operand, units});
  for (const int32_t momentum : {-1, 4}) {
    Case test{named("batch_norm_forward"), Opcode::batch_norm_forward, {}, buffers, rows};
    test.operands = {0, 0, 0, 0, 0, 0, 0, 0, u, 3, momentum};
    check(test, turn, every);
  }
  buffers[7].length = all;
  for (int32_t flag = 0; flag < 2; flag++) {
    Case test{named("batch_norm_backward"), Opcode::batch_norm_backward, {}, buffers, rows};
    test.operands = {0, 0, 0, 0, 0, 0, 0, 0, u, flag, 1 - flag};
    check(test, turn, every);
  }
  const auto over_units = [&](const char* name, Opcode opcode, std::vector<int32_t> operands, int64_t last) {
    const std::vector<Buffer> six = {{0, all}, {1, all}, {2, rows}, {3, rows}, {4, units}, {5, last}};
    check({named(name), opcode, std::move(operands), six, rows}, turn, every);
  };
  over_units("layer_norm_forward", Opcode::layer_norm_forward, {0, 0, 0, 0, 0, 0, u, 3}, units);
  over_units("layer_norm_backward_weights", Opcode::layer_norm_backward_weights, {0, 0, 0, 0, 0, 0, u, 1},
             units);
  over_units("layer_norm_backward_input", Opcode::layer_norm_backward_input, {0, 0, 0, 0, 0, 0, u}, all);
}

int check_everything() {
  size_t turn = 0;
  for (const int64_t units : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130}) {
    check_optimizers(units);
    for (const int64_t rows : {1, 3, 8}) {
      check_rows(rows, units);
      check_gathering(rows, units);
      check_maps(rows, units);
      check_norms(rows, units, 0, true);
    }
    for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 13, 66}) {
      for (const int64_t inputs : {1, 2, 3, 7, 8, 17, 65}) {
        check_products(rows, inputs, units, static_cast<int32_t>(turn % 4), turn, false);
        turn++;
      }
    }
  }
  for (const int32_t units : {1, 2, 3, 4}) {
    for (const int64_t rows : {1, 3}) {
      for (const Element element : {Element::float32, Element::uint8, Element::float64}) {
        check_tiny(rows, units, element);
      }
    }
  }
  // Where rows of few columns fill vectors.
  for (const int64_t units : {1, 2, 3, 4, 5, 6, 10, 13, 16, 23, 32, 33, 62, 64, 65}) {
    for (const int64_t rows : {4, 15, 16, 17, 35, 83}) check_softmax(rows, units);
  }
  // Where blocks and panels begin to be copied.
  for (const int64_t rows : {66, 200, 520}) check_products(rows, 391, 71, 3, turn++, false);
  for (const int64_t units : {512, 1024, 1100}) check_products(70, 512, units, 3, turn++, false);
  // Where rows of weights lie at a distance of pages.
  for (const int64_t rows : {4, 5, 48, 49, 128, 129, 192, 193, 256, 257}) {
    check_products(rows, 261, 1024, 3, turn++, false);
  }
  // Weights that lie far away, and more columns than a single block of rows takes at a time.
  for (const int64_t rows : {6, 23, 130}) {
    check_products(rows, 1030, 1033, 3, turn++, false);
    check_products(rows, 520, 2048, 3, turn++, false);
  }
  check_products(9, 20, 4200, 3, turn++, false);
  // Tall tiles of every height.
  for (const int64_t rows : {6, 8, 9, 10, 11, 12, 25}) check_products(rows, 37, 10, 3, turn++, true);
  // Where few columns are computed as rows.
  for (const int64_t units : {5, 9, 10, 18}) check_products(5, 300, units, 3, turn++, false);
  // Where weights are read row by row.
  for (const int64_t rows : {1, 2, 3}) check_products(rows, 1030, 1033, 3, turn++, false);
  // Where zeros are left out.
  for (const int64_t rows : {1, 7, 66, 520}) {
    for (const int64_t inputs : {300, 391}) {
      for (const int64_t units : {32, 71, 130, 300}) check_products(rows, inputs, units, 3, turn++, false, true);
    }
  }
  // Where blocks of rows and of columns end.
  for (const int64_t rows : {7, 9, 17, 40}) check_norms(rows, 200, turn++, false);
  for (size_t last = 0; last < 8; last++) check_norms(3, 4101, last, false);
  std::printf("%d runs, %d failed\n", runs, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace edges

int main() { return edges::check_everything(); }
