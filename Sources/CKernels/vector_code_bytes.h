// Codes of a row as bytes, for products of integers. `p` is where the first one lies, a multiple of
// eight codes from the start of the row.

// Thirty-two codes as they come.
INLINE __m256i many_codes(const uint8_t *p, const int bits) {
  if (bits == 8) return _mm256_loadu_si256((const void *)p);
  if (bits == 4) {
    __m256i v = _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)p));
    return _mm256_and_si256(_mm256_or_si256(v, _mm256_slli_epi16(v, 4)), _mm256_set1_epi8(15));
  }
  if (bits == 2) {
    __m256i v = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p));
    v = _mm256_or_si256(v, _mm256_slli_epi32(v, 12));
    v = _mm256_or_si256(v, _mm256_slli_epi32(v, 6));
    return _mm256_and_si256(v, _mm256_set1_epi8(3));
  }
  return _mm256_set_epi64x(
      (long long)eight_codes(p + 3 * bits, bits), (long long)eight_codes(p + 2 * bits, bits),
      (long long)eight_codes(p + bits, bits), (long long)eight_codes(p, bits));
}

// Sixteen codes, and zeros.
INLINE __m256i few_codes(const uint8_t *p, const int bits) {
  return _mm256_set_epi64x(0, 0, (long long)eight_codes(p + bits, bits),
                           (long long)eight_codes(p, bits));
}
