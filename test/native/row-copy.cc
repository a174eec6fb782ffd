// Rows that are copied while a run takes them, under the thread sanitizer: a step that is let through before its
// rows are there reads what the other thread is writing, or nothing yet.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "native/row_copy.h"

namespace {

using fastmlp::Element;
using fastmlp::RowCopy;
using fastmlp::Run;

int failures = 0;
int64_t early_steps = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  failures++;
}

struct Shape {
  int64_t count;
  int64_t width;
  Element element;
  int64_t rows_per_epoch;
  int64_t batch_size;
  int64_t first_step;
  int64_t steps;
  // New orders, or rows as they stand.
  bool shuffled;
};

constexpr size_t size_of(Element element) {
  return element == Element::uint8 ? 1 : element == Element::float64 ? sizeof(double) : sizeof(float);
}

// Row r of `width` numbers, all of them r modulo 251 and one more: none is the zero of memory not yet written.
double number_of(int64_t row) { return static_cast<double>(row % 251 + 1); }

void fill(std::vector<char>& bytes, const Shape& shape) {
  bytes.resize(static_cast<size_t>(shape.count * shape.width) * size_of(shape.element));
  for (int64_t i = 0; i < shape.count * shape.width; i++) {
    const double number = number_of(i / shape.width);
    char* const to = bytes.data() + static_cast<size_t>(i) * size_of(shape.element);
    const auto single = static_cast<float>(number);
    if (shape.element == Element::float64) std::memcpy(to, &number, sizeof number);
    if (shape.element == Element::float32) std::memcpy(to, &single, sizeof single);
    if (shape.element == Element::uint8) *to = static_cast<char>(number);
  }
}

class Case {
 public:
  Case(const Shape& shape, std::mt19937& random) : shape_(shape) {
    fill(from_, shape);
    to_.resize(static_cast<size_t>(shape.count * shape.width) *
               std::min(size_of(shape.element), sizeof(float)));
    labels_.resize(static_cast<size_t>(shape.count));
    std::iota(labels_.begin(), labels_.end(), 1);
    copied_labels_.resize(labels_.size());
    run_.rows_per_epoch = shape.rows_per_epoch;
    run_.batch_size = shape.batch_size;
    run_.first_step = shape.first_step;
    run_.steps = shape.steps;
    if (!shape.shuffled) return;
    const int64_t epochs =
        (shape.first_step + shape.steps + run_.steps_per_epoch() - 1) / run_.steps_per_epoch();
    std::vector<uint32_t> rows(static_cast<size_t>(shape.count));
    std::iota(rows.begin(), rows.end(), 0);
    while (static_cast<int64_t>(order_.size()) < epochs * shape.rows_per_epoch) {
      std::shuffle(rows.begin(), rows.end(), random);
      order_.insert(order_.end(), rows.begin(), rows.end());
    }
    run_.order = order_.data();
  }

  // Of every step that is let through, looks at all the rows.
  void take_steps(RowCopy& copy) {
    int64_t done = 0;
    while (done < run_.steps) {
      const int64_t step = run_.first_step + done;
      const int64_t ready = copy.steps_ready(run_, step);
      expect(ready >= 1, "no step is ready");
      const int64_t end = ready > run_.steps - done ? run_.steps : done + ready;
      if (ready <= run_.steps) early_steps += end - done;
      for (; done < end; done++) look_at(run_.first_step + done);
    }
  }

  void run(bool begins_first) {
    RowCopy copy(shape_.count,
                 {{from_.data(), to_.data(), shape_.width, shape_.element},
                  {labels_.data(), copied_labels_.data(), 1, Element::float32}});
    if (!begins_first) copy.complete(nullptr, nullptr);
    places_ = copy.places_for(run_);
    expect(places_.empty() == (run_.order == nullptr || !begins_first), "places are not as expected");
    std::thread thread([&] { take_steps(copy); });
    if (begins_first) copy.complete(&run_, places_.empty() ? nullptr : places_.data());
    thread.join();
    expect(copy.is_complete(), "something is missing");
    // Other runs: over all rows as they stood, and the same again.
    Run all{};
    all.rows_per_epoch = shape_.count;
    all.batch_size = 1;
    all.steps = shape_.count;
    const std::vector<uint32_t> places = copy.places_for(all);
    expect(places.empty() == places_.empty(), "rows of another run have no places");
    for (int64_t row = 0; row < shape_.count; row++)
      look_at_row(row, places.empty() ? row : places[static_cast<size_t>(row)]);
    expect(copy.places_for(run_) == places_, "the same run has other places");
  }

 private:
  void look_at(int64_t step) {
    const int64_t in_epoch = step % run_.steps_per_epoch() * run_.batch_size;
    const int64_t rows = std::min(run_.batch_size, run_.rows_per_epoch - in_epoch);
    for (int64_t i = 0; i < rows; i++) {
      const int64_t position = run_.position(step) + i;
      const int64_t row = run_.order == nullptr ? in_epoch + i : run_.order[position];
      look_at_row(row, places_.empty() ? row : places_[static_cast<size_t>(position)]);
    }
  }

  void look_at_row(int64_t row, int64_t place) {
    expect(copied_labels_[static_cast<size_t>(place)] == row + 1, "a label is not there");
    for (int64_t i : {place * shape_.width, (place + 1) * shape_.width - 1}) {
      float number = 0;
      if (shape_.element == Element::uint8) {
        number = static_cast<float>(static_cast<uint8_t>(to_[static_cast<size_t>(i)]));
      } else {
        std::memcpy(&number, to_.data() + static_cast<size_t>(i) * sizeof(float), sizeof number);
      }
      expect(static_cast<double>(number) == number_of(row), "a row is not there");
    }
  }

  Shape shape_;
  std::vector<char> from_;
  std::vector<char> to_;
  std::vector<int32_t> labels_;
  std::vector<int32_t> copied_labels_;
  std::vector<uint32_t> order_;
  std::vector<uint32_t> places_;
  Run run_{};
};

}  // namespace

int main() {
  // Pieces have some thousand rows, few hundreds or one.
  const Shape shapes[] = {
      {20000, 30, Element::float32, 20000, 64, 0, 313, true},
      {20000, 30, Element::float32, 20000, 64, 0, 626, true},
      {20000, 30, Element::uint8, 14000, 100, 0, 140, true},
      {2000, 300, Element::float32, 2000, 7, 150, 300, true},
      {2000, 300, Element::float64, 1500, 397, 3, 20, true},
      {2000, 300, Element::float32, 300, 64, 1, 90, true},
      {2000, 300, Element::float32, 3000, 64, 0, 47, true},
      {2000, 300, Element::float32, 2000, 2000, 0, 3, true},
      {2000, 300, Element::float32, 2000, 64, 0, 1, true},
      {12, 150000, Element::float32, 12, 1, 4, 30, true},
      {12, 150000, Element::float32, 11, 4, 0, 12, false},
      {2000, 300, Element::float32, 2000, 64, 0, 63, false},
      {2000, 300, Element::float64, 2000, 7, 100, 600, false},
      {1, 3, Element::float32, 1, 32, 0, 4, true},
  };
  std::mt19937 random(1);
  for (int round = 0; round < 4; round++) {
    for (const Shape& shape : shapes) {
      Case(shape, random).run(true);
      Case(shape, random).run(false);
    }
  }
  std::printf("%lld steps before all rows were there, %d failed\n", static_cast<long long>(early_steps),
              failures);
  return failures == 0 ? 0 : 1;
}
