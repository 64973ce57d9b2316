//! Values by shape as JSON, and back.

use greenroom::Value;
use serde_json::{Map, Number, Value as Json};

/// Returns the value of a JSON text.
pub(crate) fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(bool),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Integer(number.into()),
            (None, Some(number)) => Value::Integer(number.into()),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(values) => Value::List(values.into_iter().map(from_json).collect()),
        Json::Object(entries) => {
            Value::Object(entries.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

/// Returns the JSON of a value. A number that JSON cannot express is a text.
pub(crate) fn to_json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::Bool(bool),
        Value::Integer(number) => match (i64::try_from(number), u64::try_from(number)) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => number.to_string().into(),
        },
        Value::Float(number) => Number::from_f64(number).map_or_else(|| number.to_string().into(), Json::Number),
        Value::Text(text) => text.into(),
        Value::List(values) => values.into_iter().map(to_json).collect(),
        Value::Object(entries) => {
            Json::Object(entries.into_iter().map(|(name, value)| (name, to_json(value))).collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_json_and_back() {
        let text = r#"[null,true,-1,18446744073709551615,0.5,"a",{"b":[]}]"#;
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(to_json(from_json(json)).to_string(), text);
        assert_eq!(to_json(Value::Integer(i128::MAX)), Json::String(i128::MAX.to_string()));
        assert_eq!(to_json(Value::Float(f64::INFINITY)), Json::String("inf".to_owned()));
    }
}
