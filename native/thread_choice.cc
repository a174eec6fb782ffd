#include "native/thread_choice.h"

#include <algorithm>

namespace fastmlp {

namespace {

// In nanoseconds. A scheduler takes some milliseconds to give a thread a processor of its own.
constexpr double kWarmUp = 10e6;
constexpr double kTrial = 2e6;
constexpr double kRest = 100e6;
// The first step of a phase finds numbers in the caches of other processors.
constexpr int64_t kNotCounted = 1;
// A trial takes so many steps, or so many times its length.
constexpr int64_t kTrialSteps = 3;
constexpr double kLongTrial = 5;
// A rest after dividing has won takes so many trials at least; one takes twice as long each time that the
// outcome is the same, so often.
constexpr double kRestTrials = 40;
constexpr int kMostDoublings = 4;
// More threads must save so much.
constexpr double kGain = 0.98;
// Divided steps that are so far behind one thread are compared with it at once; what they gained before makes
// up for as much or as many steps, so that one step that is disturbed does not end what others gain by.
constexpr double kAlarm = 2e6;
constexpr double kCredit = 20e6;
constexpr double kCreditSteps = 2;
// What dividing lost is followed by so many times as long without.
constexpr double kRestLosses = 60;

}  // namespace

void ThreadChoice::took(double time) {
  steps_++;
  if (divides_) {
    divided_steps_++;
    divided_time_ += time;
    behind_ = std::max(-std::max(kCredit, kCreditSteps * alone_), behind_ + time - alone_);
  }
  if (steps_ <= kNotCounted) return;
  counted_++;
  time_ += time;
  const double length = phase_ == Phase::warming_up ? kWarmUp : kTrial;
  const bool is_whole = time_ >= length && (counted_ >= kTrialSteps || time_ >= kLongTrial * length);
  if (is_whole) end_phase();
}

void ThreadChoice::begin(Phase phase, bool divides) {
  if (divides != divides_) steps_ = 0;
  phase_ = phase;
  divides_ = divides;
  counted_ = 0;
  time_ = 0;
}

void ThreadChoice::end_phase() {
  const double mean = time_ / static_cast<double>(counted_);
  switch (phase_) {
    case Phase::warming_up:
      if (mean < kWarmUp) return begin(Phase::trying_same, divides_);
      [[fallthrough]];
    case Phase::trying_same:
      (divides_ ? divided_ : alone_) = mean;
      return begin(Phase::trying_other, !divides_);
    case Phase::trying_other:
      (divides_ ? divided_ : alone_) = mean;
      return settle();
    case Phase::resting:
      rest_ -= time_;
      if (divides_ && behind_ > kAlarm) {
        pays_ = false;
        divided_ = mean;
        return begin(Phase::trying_other, false);
      }
      return begin(rest_ <= 0 ? Phase::trying_same : Phase::resting, divides_);
  }
}

void ThreadChoice::settle() {
  const bool was_divided = !divides_;
  const bool gains = divided_ < kGain * alone_;
  // What has paid so far is given up when it falls behind, not by a trial, whose few steps may be disturbed.
  const bool divides = gains || (was_divided && pays_);
  same_ = divides == was_divided ? std::min(same_ + 1, kMostDoublings) : 0;
  const double trial = std::max(kTrial, static_cast<double>(steps_) * (divides ? alone_ : divided_));
  const double lost = divided_time_ - static_cast<double>(divided_steps_) * alone_;
  const double least = divides ? kRestTrials * trial : kRestLosses * lost;
  rest_ = std::max(kRest * static_cast<double>(1 << same_), least);
  behind_ = gains ? std::min(behind_, 0.0) : 0;
  pays_ = divides;
  divided_steps_ = 0;
  divided_time_ = 0;
  begin(Phase::resting, divides);
}

}  // namespace fastmlp
