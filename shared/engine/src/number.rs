//! DynamoDB's numbers: decimals with up to 38 significant digits, kept exactly.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The most significant digits of a number.
const DIGITS_MAX: u32 = 38;
/// The exponents of the highest and the lowest magnitude in scientific notation: `9.99E+125` and `1E-130`.
const MAGNITUDES: std::ops::RangeInclusive<i64> = -130..=125;

/// A decimal: `mantissa` times ten to the power of `exponent`. The mantissa has no zero at its end, so equal numbers are equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    mantissa: i128,
    exponent: i32,
}

/// A text that is not a number, or one that DynamoDB does not take. The messages are DynamoDB's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    NotANumber(String),
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooManyDigits,
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
}

impl Number {
    /// Returns the number, normalised, if DynamoDB takes it.
    fn new(mantissa: i128, exponent: i64) -> Result<Self, NumberError> {
        if mantissa == 0 {
            return Ok(Self { mantissa, exponent: 0 });
        }
        let (mut mantissa, mut exponent) = (mantissa, exponent);
        while mantissa % 10 == 0 {
            (mantissa, exponent) = (mantissa / 10, exponent + 1);
        }
        let digits = mantissa.unsigned_abs().ilog10() + 1;
        check_magnitude(exponent.saturating_add(i64::from(digits) - 1))?;
        if digits > DIGITS_MAX {
            return Err(NumberError::TooManyDigits);
        }
        let exponent = i32::try_from(exponent).map_err(|_| NumberError::Overflow)?;
        Ok(Self { mantissa, exponent })
    }

    /// Returns the number as an integer, if it is one of 64 bits.
    pub(crate) fn as_i64(self) -> Option<i64> {
        let scale = 10_i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        i64::try_from(self.mantissa.checked_mul(scale)?).ok()
    }

    /// Returns the sum.
    ///
    /// # Errors
    /// [`NumberError`] if DynamoDB does not take it.
    pub(crate) fn plus(self, other: Self) -> Result<Self, NumberError> {
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        if low.mantissa == 0 {
            return Ok(high);
        }
        let scaled = u32::try_from(high.exponent - low.exponent)
            .ok()
            .and_then(|difference| 10_i128.checked_pow(difference))
            .and_then(|scale| high.mantissa.checked_mul(scale));
        let sum = match (high.mantissa, scaled) {
            (0, _) => Some(low.mantissa),
            (_, scaled) => scaled.and_then(|scaled| scaled.checked_add(low.mantissa)),
        };
        Self::new(sum.ok_or(NumberError::TooManyDigits)?, i64::from(low.exponent))
    }

    /// Returns the bytes that DynamoDB counts for the number in an item.
    pub(crate) fn size(self) -> usize {
        if self.mantissa == 0 {
            return 1;
        }
        let digits = i64::from(self.mantissa.unsigned_abs().ilog10() + 1);
        let integer = (digits + i64::from(self.exponent)).clamp(0, digits);
        let bytes = |digits: i64| usize::try_from(digits).unwrap_or(0).div_ceil(2);
        bytes(integer) + bytes(digits - integer) + 1 + usize::from(self.mantissa < 0)
    }

    /// Returns the mantissa with 38 digits, and the power of ten of its first digit.
    fn aligned(self) -> (i64, i128) {
        let digits = self.mantissa.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1);
        let power = i64::from(self.exponent) + i64::from(digits);
        (power, self.mantissa * 10_i128.pow(DIGITS_MAX - digits))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::new(i128::from(value), 0).expect("a 64-bit integer has 19 digits at most")
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.mantissa.signum().cmp(&other.mantissa.signum());
        if sign != Ordering::Equal || self.mantissa == 0 {
            return sign;
        }
        let ((power, mantissa), (other_power, other_mantissa)) = (self.aligned(), other.aligned());
        let by_power = power.cmp(&other_power);
        let by_power = if self.mantissa < 0 { by_power.reverse() } else { by_power };
        by_power.then(mantissa.cmp(&other_mantissa))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn check_magnitude(power: i64) -> Result<(), NumberError> {
    match power {
        _ if power > *MAGNITUDES.end() => Err(NumberError::Overflow),
        _ if power < *MAGNITUDES.start() => Err(NumberError::Underflow),
        _ => Ok(()),
    }
}

impl FromStr for Number {
    type Err = NumberError;

    /// Parses DynamoDB's syntax: a sign, digits with at most one point, and an exponent, of which only one digit must be there.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let invalid = || NumberError::NotANumber(text.to_owned());
        let (coefficient, exponent) = match text.split_once(['e', 'E']) {
            Some((coefficient, exponent)) => (coefficient, exponent.parse().map_err(|_| invalid())?),
            None => (text, 0_i64),
        };
        let unsigned = coefficient.strip_prefix(['+', '-']).unwrap_or(coefficient);
        let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if integer.len() + fraction.len() == 0 || !is_digits(integer) || !is_digits(fraction) {
            return Err(invalid());
        }
        let (mut mantissa, mut significant) = (0_i128, 0);
        let mut power = exponent.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
        let mut trailing_zeros: i64 = 0;
        for digit in integer.bytes().chain(fraction.bytes()).map(|byte| byte - b'0') {
            if digit == 0 {
                trailing_zeros += i64::from(mantissa != 0);
                continue;
            }
            significant += if mantissa == 0 { 1 } else { trailing_zeros + 1 };
            if significant > i64::from(DIGITS_MAX) {
                return Err(NumberError::TooManyDigits);
            }
            let shift = u32::try_from(trailing_zeros).unwrap_or(DIGITS_MAX) + 1;
            mantissa = mantissa * 10_i128.pow(shift) + i128::from(digit);
            trailing_zeros = 0;
        }
        if mantissa == 0 {
            // A zero must be in range as if its last digit were a 1.
            check_magnitude(power)?;
        }
        power = power.saturating_add(trailing_zeros);
        Self::new(if coefficient.starts_with('-') { -mantissa } else { mantissa }, power)
    }
}

impl fmt::Display for Number {
    /// Writes all digits, without an exponent, as DynamoDB does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mantissa < 0 {
            f.write_str("-")?;
        }
        let digits = self.mantissa.unsigned_abs().to_string();
        let Ok(places) = usize::try_from(-self.exponent) else {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return write!(f, "{digits}{:0<zeros$}", "");
        };
        match digits.len().checked_sub(places) {
            _ if places == 0 => f.write_str(&digits),
            Some(point @ 1..) => write!(f, "{}.{}", &digits[..point], &digits[point..]),
            _ => write!(f, "0.{digits:0>places$}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn numbers_are_kept_exactly_and_written_without_exponent() {
        let nines = "9".repeat(38);
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("0042", "42"),
            ("-7.50", "-7.5"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("1e+2", "100"),
            ("1.5E3", "1500"),
            ("12e-4", "0.0012"),
            ("1E-3", "0.001"),
            ("100e-1", "10"),
            ("9223372036854775808", "9223372036854775808"),
            (&nines, &nines),
            ("0.1234567890123456789012345678901234567800000", "0.12345678901234567890123456789012345678"),
        ] {
            assert_eq!(number(text).to_string(), expected, "{text}");
            assert_eq!(number(expected), number(text));
        }
        assert_eq!(number("1e125").to_string(), format!("1{}", "0".repeat(125)));
        assert_eq!(number("1e-130").to_string(), format!("0.{}1", "0".repeat(129)));
    }

    #[test]
    fn what_dynamodb_does_not_take_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "e2",
            "1e",
            "1 ",
            " 1",
            "1_000",
            "NaN",
            "1.2.3",
            "--1",
            "0x1",
            "1e9999999999999999999",
        ] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::NotANumber(text.to_owned())));
        }
        let digits = "1".repeat(39);
        assert_eq!(digits.parse::<Number>(), Err(NumberError::TooManyDigits));
        assert_eq!(format!("1{}1", "0".repeat(100)).parse::<Number>(), Err(NumberError::TooManyDigits));
        for text in ["1e126", "-1e126", "0e126", "1e999999999999"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Overflow), "{text}");
        }
        for text in ["1e-131", "0.0e-130", "1e-999999999999"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Underflow), "{text}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let ascending = ["-1e125", "-10", "-9.5", "-1e-130", "0", "1e-130", "0.5", "9", "9.5", "10", "1e125"];
        for (index, low) in ascending.iter().enumerate() {
            for (other, high) in ascending.iter().enumerate() {
                assert_eq!(number(low).cmp(&number(high)), index.cmp(&other), "{low} {high}");
            }
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        for (left, right, sum) in [
            ("1", "2", "3"),
            ("0.1", "0.2", "0.3"),
            ("0", "1e100", &number("1e100").to_string()),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("5", "-5", "0"),
            ("1e37", "0.1", "10000000000000000000000000000000000000.1"),
        ] {
            let found = number(left).plus(number(right));
            if left == "1e37" {
                assert_eq!(found, Err(NumberError::TooManyDigits));
            } else {
                assert_eq!(found.unwrap().to_string(), sum);
            }
        }
        let most = number(&format!("{}e88", "9".repeat(38)));
        assert_eq!(most.plus(number("1e88")), Err(NumberError::Overflow));
        assert_eq!(number("1e40").plus(number("1")), Err(NumberError::TooManyDigits));
    }

    #[test]
    fn sizes_are_those_that_dynamodb_counts() {
        for (text, size) in [("0", 1), ("42", 2), ("-42", 3), ("1.5", 3), ("100", 2), ("0.001", 2)] {
            assert_eq!(number(text).size(), size, "{text}");
        }
    }
}
