//! How each layer becomes a tree.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree::{Entry, Value};
use super::{SettingOrigin, SettingsError};

/// A value of the program's own.
pub(super) fn value(value: &impl Serialize, key: &str, place: &SettingOrigin) -> Result<Entry, SettingsError> {
    let value = toml::Value::try_from(value).map_err(|_| {
        SettingsError::new(
            key,
            place,
            "not a value that TOML has: text, number, truth, list or table, whole numbers below 2^63",
        )
    })?;
    let words: Vec<_> = key.split('.').filter(|word| !word.is_empty()).collect();
    Ok(plain(value, place).under(&words))
}

fn plain(value: toml::Value, place: &SettingOrigin) -> Entry {
    let value = match value {
        toml::Value::String(text) => Value::Text(text),
        toml::Value::Integer(number) => Value::Integer(number),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::Text(time.to_string()),
        toml::Value::Array(list) => Value::List(list.into_iter().map(|value| plain(value, place)).collect()),
        toml::Value::Table(table) => {
            Value::Table(table.into_iter().map(|(name, value)| (name, plain(value, place))).collect())
        }
    };
    Entry::new(value, place.clone())
}

/// A file.
pub(super) fn file(path: &Path) -> Result<Entry, SettingsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) => Err(SettingsError::new("", &whole(path), format!("cannot be read: {error}"))),
    }
}

/// A file's text.
pub(super) fn parse(path: &Path, text: &str) -> Result<Entry, SettingsError> {
    let at = |offset| place(path, text, offset);
    // The parser's own error would show the line, and with it what may be a secret.
    let parsed = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or_else(|| whole(path), |span| at(span.start));
        SettingsError::new("", &place, error.message())
    })?;
    let table = table(parsed.get_ref(), &at)?;
    Ok(Entry::new(Value::Table(table), whole(path)))
}

/// A file without a line.
fn whole(path: &Path) -> SettingOrigin {
    SettingOrigin::File { path: path.to_owned(), line: 0, column: 0 }
}

/// One line of TOML, from a variable.
pub(super) fn inline(text: &str, place: &SettingOrigin) -> Result<Entry, SettingsError> {
    let parsed = DeValue::parse(text).map_err(|error| SettingsError::new("", place, error.message()))?;
    entry(&parsed, &|_| place.clone())
}

fn place(path: &Path, text: &str, offset: usize) -> SettingOrigin {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    SettingOrigin::File { path: path.to_owned(), line, column }
}

fn table(table: &DeTable<'_>, at: &impl Fn(usize) -> SettingOrigin) -> Result<BTreeMap<String, Entry>, SettingsError> {
    let named = |(name, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        let entry = entry(value, at)?;
        Ok((name.get_ref().to_string(), Entry { key_place: at(name.span().start), ..entry }))
    };
    table.iter().map(named).collect()
}

fn entry(value: &Spanned<DeValue<'_>>, at: &impl Fn(usize) -> SettingOrigin) -> Result<Entry, SettingsError> {
    let place = at(value.span().start);
    let unfit = |_| SettingsError::new("", &place, "a number beyond what 64 bits hold");
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| unfit(()))?)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().map_err(|_| unfit(()))?),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|value| entry(value, at)).collect::<Result<_, _>>()?),
        DeValue::Table(inner) => Value::Table(table(inner, at)?),
    };
    Ok(Entry::new(value, place))
}

/// The variables of a prefix.
pub(super) fn variables(
    prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Entry, SettingsError> {
    let mut whole = Entry::table(SettingOrigin::Default);
    let prefix = format!("{prefix}_");
    let named = variables.into_iter().filter_map(|(name, text)| Some((name.into_string().ok()?, text)));
    let mut chosen: Vec<_> = named.filter(|(name, text)| name.starts_with(&prefix) && !text.is_empty()).collect();
    // In whatever order the system has them, the result is the same.
    chosen.sort();
    for (name, text) in chosen {
        let place = SettingOrigin::Variable(name.clone());
        let key = name[prefix.len()..].to_lowercase();
        let words: Vec<_> = key.split("__").collect();
        let dotted = words.join(".");
        let text = text.into_string().map_err(|_| SettingsError::new(&dotted, &place, "not UTF-8"))?;
        whole.lay(Entry::new(Value::Word(text), place).under(&words));
    }
    Ok(whole)
}
