// Exponentials, logarithms, sines and cosines in double, of additions, multiplications, divisions
// and roundings alone: the same bits on every CPU and with every C library. (The C library's own
// take other instructions on other CPUs, and their last bits differ.) Within 2 units of the last
// place of the result, but for peqa_pow, within 2 + |y log x| of them.
#include <math.h>
#include <string.h>

#include "peqa_kernels.h"

// 2^n for -1022 <= n <= 1023.
static double power_of_two(int n) {
  uint64_t bits = (uint64_t)(n + 1023) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// The nearest integer of |x| < 2^51, ties to even: what is added has the unit 1.
static double nearest(double x) {
  const double unit = 0x1.8p52;
  return (x + unit) - unit;
}

// ln 2 in two parts; the first has 33 bits, so that up to 20 bits times it is exact.
static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;

double peqa_exp(double x) {
  if (x != x) return x;
  if (x > 709.782712893384) return INFINITY;
  if (x < -745.1332191019412) return 0;
  double n = nearest(x * 0x1.71547652b82fep0);
  double r = (x - n * LN2_HIGH) - n * LN2_LOW;
  // Taylor's series of e^r - 1 - r for |r| <= ln 2 / 2; what is left out is below 5e-18.
  static const double INVERSE_FACTORIALS[] = {
      0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22,
      0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10,
      0x1.1111111111111p-7,  0x1.5555555555555p-5,  0x1.5555555555555p-3,  0.5};
  double p = 0;
  for (int i = 0; i < 12; i++) p = p * r + INVERSE_FACTORIALS[i];
  double result = 1 + (r + r * r * p);
  int half = (int)n / 2;  // in two steps, for 2^1024 and for numbers without a leading bit
  return result * power_of_two(half) * power_of_two((int)n - half);
}

double peqa_log(double x) {
  if (x != x || x == INFINITY) return x;
  if (x <= 0) return x == 0 ? -INFINITY : NAN;
  int e = 0;
  if (x < 0x1p-1022) x *= 0x1p54, e = -54;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  e += (int)(bits >> 52) - 1023;
  bits = (bits & 0xFFFFFFFFFFFFF) | (uint64_t)1023 << 52;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 0x1.6a09e667f3bcdp0) m *= 0.5, e += 1;  // sqrt(1/2) .. sqrt(2)
  // log m = 2 artanh s = 2 s (1 + s^2/3 + s^4/5 + ...); with f = m - 1, exact, 2 s = f - s f.
  double f = m - 1, s = f / (2 + f), z = s * s, p = 0;
  for (int k = 25; k >= 3; k -= 2) p = p * z + 2.0 / k;
  double rest = s * z * p;
  return e * LN2_HIGH + (f - (s * f - (rest + e * LN2_LOW)));
}

double peqa_pow(double x, double y) { return peqa_exp(y * peqa_log(x)); }

// Angles are x less `quarter` quarter turns, |angle| <= pi / 4 and a little. pi / 2 in parts of 33,
// 33 and 53 bits: exact for |x| up to 2^20 quarter turns; beyond, the error grows with x.
static double within_eighths(double x, int *quarter) {
  double n = nearest(x * 0x1.45f306dc9c883p-1);
  *quarter = (int)((int64_t)n & 3);
  return ((x - n * 0x1.921fb544p0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
}

static double sine_of_eighth(double r) {
  static const double TERMS[] = {
      0x1.952c77030ad4ap-49, -0x1.ae7f3e733b81fp-41, 0x1.6124613a86d09p-33, -0x1.ae64567f544e4p-26,
      0x1.71de3a556c734p-19, -0x1.a01a01a01a01ap-13, 0x1.1111111111111p-7,  -0x1.5555555555555p-3};
  double z = r * r, p = 0;
  for (int i = 0; i < 8; i++) p = p * z + TERMS[i];
  return r + r * z * p;
}

static double cosine_of_eighth(double r) {
  static const double TERMS[] = {
      -0x1.6827863b97d97p-53, 0x1.ae7f3e733b81fp-45, -0x1.93974a8c07c9dp-37, 0x1.1eed8eff8d898p-29,
      -0x1.27e4fb7789f5cp-22, 0x1.a01a01a01a01ap-16, -0x1.6c16c16c16c17p-10, 0x1.5555555555555p-5};
  double z = r * r, p = 0;
  for (int i = 0; i < 8; i++) p = p * z + TERMS[i];
  double half = 0.5 * z, first = 1 - half;
  return first + (((1 - first) - half) + z * z * p);
}

static double turned(double x, int ahead) {
  if (x - x != 0) return NAN;
  int quarter;
  double r = within_eighths(x, &quarter);
  quarter = (quarter + ahead) & 3;
  double value = quarter & 1 ? cosine_of_eighth(r) : sine_of_eighth(r);
  return quarter & 2 ? -value : value;
}

double peqa_sin(double x) { return turned(x, 0); }
double peqa_cos(double x) { return turned(x, 1); }
