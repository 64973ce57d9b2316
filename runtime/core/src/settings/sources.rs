//! The conversion of each source of settings to a tree of entries: values of the program, files, variables.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree::{Entry, Value};
use super::{SettingOrigin, SettingsError};

/// Converts a value of the program, which is set under `key`.
pub(super) fn value(value: &impl Serialize, key: &str, origin: &SettingOrigin) -> Result<Entry, SettingsError> {
    let value = toml::Value::try_from(value).map_err(|_| {
        SettingsError::new(
            key,
            origin,
            "not a TOML value: expected a string, a boolean, a list, a table or a number; integers below 2^63",
        )
    })?;
    let words: Vec<_> = key.split('.').filter(|word| !word.is_empty()).collect();
    Ok(from_toml(value, origin).nested_under(&words))
}

fn from_toml(value: toml::Value, origin: &SettingOrigin) -> Entry {
    let value = match value {
        toml::Value::String(text) => Value::Text(text),
        toml::Value::Integer(number) => Value::Integer(number),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::Boolean(bool) => Value::Bool(bool),
        toml::Value::Datetime(time) => Value::Text(time.to_string()),
        toml::Value::Array(list) => Value::List(list.into_iter().map(|value| from_toml(value, origin)).collect()),
        toml::Value::Table(table) => {
            Value::Table(table.into_iter().map(|(name, value)| (name, from_toml(value, origin))).collect())
        }
    };
    Entry::new(value, origin.clone())
}

/// Reads and converts a file.
pub(super) fn file(path: &Path) -> Result<Entry, SettingsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) => Err(SettingsError {
            source: Some(Arc::new(error)),
            ..SettingsError::new("", &whole_file(path), "cannot read the file")
        }),
    }
}

/// Converts the text of a file.
pub(super) fn parse(path: &Path, text: &str) -> Result<Entry, SettingsError> {
    let at = |offset| position(path, text, offset);
    // Only the parser's message is used. Its `Display` shows the line, which may contain a secret.
    let parsed = DeTable::parse(text).map_err(|error| {
        let origin = error.span().map_or_else(|| whole_file(path), |span| at(span.start));
        SettingsError::new("", &origin, error.message())
    })?;
    let table = table(parsed.get_ref(), &at)?;
    Ok(Entry::new(Value::Table(table), whole_file(path)))
}

fn whole_file(path: &Path) -> SettingOrigin {
    SettingOrigin::File { path: path.to_owned(), line: 0, column: 0 }
}

/// Converts the TOML value of a variable.
pub(super) fn inline(text: &str, origin: &SettingOrigin) -> Result<Entry, SettingsError> {
    let parsed = DeValue::parse(text).map_err(|error| SettingsError::new("", origin, error.message()))?;
    entry(&parsed, &|_| origin.clone())
}

/// Returns the line and column of a byte offset.
fn position(path: &Path, text: &str, offset: usize) -> SettingOrigin {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    SettingOrigin::File { path: path.to_owned(), line, column }
}

fn table(table: &DeTable<'_>, at: &impl Fn(usize) -> SettingOrigin) -> Result<BTreeMap<String, Entry>, SettingsError> {
    let named_entry = |(name, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        let entry = entry(value, at)?;
        Ok((name.get_ref().to_string(), Entry { key_origin: at(name.span().start), ..entry }))
    };
    table.iter().map(named_entry).collect()
}

fn entry(value: &Spanned<DeValue<'_>>, at: &impl Fn(usize) -> SettingOrigin) -> Result<Entry, SettingsError> {
    let origin = at(value.span().start);
    let too_large = |_| SettingsError::new("", &origin, "the number does not fit into 64 bits");
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => {
            Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| too_large(()))?)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().map_err(|_| too_large(()))?),
        DeValue::Boolean(bool) => Value::Bool(*bool),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|value| entry(value, at)).collect::<Result<_, _>>()?),
        DeValue::Table(inner) => Value::Table(table(inner, at)?),
    };
    Ok(Entry::new(value, origin))
}

/// Converts the variables whose names begin with `prefix` and an underscore.
pub(super) fn variables(
    prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Entry, SettingsError> {
    let mut root = Entry::empty_table(SettingOrigin::Default);
    let prefix = format!("{prefix}_");
    let named = variables.into_iter().filter_map(|(name, text)| Some((name.into_string().ok()?, text)));
    let mut chosen: Vec<_> = named.filter(|(name, text)| name.starts_with(&prefix) && !text.is_empty()).collect();
    // The result must not depend on the order in which the system lists variables.
    chosen.sort();
    for (name, text) in chosen {
        let origin = SettingOrigin::Variable(name.clone());
        let key = name[prefix.len()..].to_lowercase();
        let words: Vec<_> = key.split("__").collect();
        let dotted = words.join(".");
        let text = text.into_string().map_err(|_| SettingsError::new(&dotted, &origin, "the text is not UTF-8"))?;
        root.merge(Entry::new(Value::Untyped(text), origin).nested_under(&words));
    }
    Ok(root)
}
