// The report as a whole, on small models.

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "debug/loss.h"

using namespace qtool::debug;

TEST_CASE("loss: of values by hand") {
  const float x[] = {1, -2, 2}, y[] = {1, -2, 3};
  LossSum sum;
  sum.add(x, y, 3);
  const Loss loss = sum.loss();
  CHECK(loss.max_error == 1);
  CHECK(std::abs(loss.mean_error - 1.0 / 3) < 1e-12);
  CHECK(std::abs(loss.sqnr_db - 10 * std::log10(9.0)) < 1e-9);
  CHECK(std::abs(loss.cosine - 11 / (3 * std::sqrt(14.0))) < 1e-9);
}

TEST_CASE("loss: pairs that are not finite are left out") {
  std::vector<float> x(5000, 1.0f), y(5000, 1.5f);
  x[17] = std::numeric_limits<float>::infinity();
  y[4999] = std::numeric_limits<float>::quiet_NaN();
  LossSum sum;
  sum.add(x.data(), y.data(), x.size());
  CHECK(sum.elements == 4998);
  CHECK(sum.loss().max_error == 0.5);
}
