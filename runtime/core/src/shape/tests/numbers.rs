//! Numbers, texts and bytes of other types.

use super::{differ, pair, same};

#[test]
fn an_integer_is_read_by_its_value() {
    same(200_u8, 200_u16);
    same(7_u8, 7_u64);
    same(7_u64, 7_u128);
    same(-5_i8, -5_i64);
    same(-5_i64, -5_i128);
    same(5_i32, 5_u8);
    same(u32::MAX, i64::from(u32::MAX));
    let range = |ty| format!("the number does not fit into {ty}");
    pair(-5_i64, Err(&range("u64")), 9_u64, Ok(9_i64));
    pair(300_u16, Err(&range("u8")), 3_u8, Ok(3_u16));
    pair(u64::MAX, Err(&range("i64")), -1_i64, Err(&range("u64")));
    pair(i128::MIN, Err(&range("u128")), u128::MAX, Err(&range("i128")));
    pair(i64::MIN, Err(&range("i32")), i32::MIN, Ok(i64::from(i32::MIN)));
}

#[test]
fn a_float_loses_no_digits() {
    pair(1.5_f32, Ok(1.5_f64), 2.5_f64, Err("f64 was sent, f32 is expected"));
    pair(u32::MAX, Ok(f64::from(u32::MAX)), 1.0_f64, Err("f64 was sent, u32 is expected"));
    pair(-7_i32, Ok(-7.0_f64), 1.0_f64, Err("f64 was sent, i32 is expected"));
    differ(1_u64, "u64 was sent, f64 is expected", 1.0_f64, "f64 was sent, u64 is expected");
    differ(true, "bool was sent, u8 is expected", 1_u8, "u8 was sent, bool is expected");
}

#[test]
fn a_char_is_a_text() {
    pair('x', Ok("x".to_owned()), "xy".to_owned(), Err("String was sent, char is expected"));
    differ(5_u32, "u32 was sent, String is expected", "5".to_owned(), "String was sent, u32 is expected");
    differ((), "() was sent, String is expected", String::new(), "String was sent, () is expected");
}
