// Whether steps are divided among threads, by what both ways take.
#pragma once

#include <cstdint>

namespace fastmlp {

// The other processors may be busy with other programs, or the system may keep threads together on one: then
// more threads are slower than one. So a step is tried both ways for a few milliseconds, the faster way is
// kept for a while, and then both are tried again. A trial takes about a fortieth of the time, less while its
// outcome stays the same. Divided steps that fall behind one thread are found within some milliseconds, and
// what they lost, beyond what they gained before, is followed by sixty times as long without them: a long run
// loses two per cent at most.
class ThreadChoice {
 public:
  // Whether the next step is to be divided.
  bool divides() const { return divides_; }
  // Whether threads may be asleep since the step before was not divided.
  bool begins() const { return steps_ == 0; }
  // Nanoseconds that the step took.
  void took(double time);

 private:
  enum class Phase { warming_up, trying_same, trying_other, resting };

  void begin(Phase phase, bool divides);
  void end_phase();
  void settle();

  Phase phase_ = Phase::warming_up;
  bool divides_ = true;
  // Of the phase: steps, and how many of them with what time count.
  int64_t steps_ = 0;
  int64_t counted_ = 0;
  double time_ = 0;
  // Of the last trials: nanoseconds a step.
  double divided_ = 0;
  double alone_ = 0;
  // Nanoseconds by which divided steps are behind one thread; below zero what they have gained.
  double behind_ = 0;
  // Dividing won, and has not fallen behind since.
  bool pays_ = false;
  // Since the last trials: divided steps, and their time.
  int64_t divided_steps_ = 0;
  double divided_time_ = 0;
  // Nanoseconds to rest, and how often the outcome was the same.
  double rest_ = 0;
  int same_ = 0;
};

}  // namespace fastmlp
