//! Plain values and collections as JSON.

use super::{Fields, FromJson, Object, ToJson, below};
use crate::town::sorted::{SortedMap, SortedSet};
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }

    fn is_nothing(&self) -> bool {
        (**self).is_nothing()
    }
}

impl ToJson for str {
    fn write(&self, out: &mut Vec<u8>) {
        // Text cannot fail to become JSON, nor memory to take it.
        let _ = serde_json::to_writer(out, self);
    }
}

impl ToJson for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

impl FromJson for String {
    fn blank() -> String {
        String::new()
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) => self.clone_from(text),
            _ => return Err("no text".to_owned()),
        }
        Ok(())
    }
}

/// What is no Unicode in it is lost: it is for people.
impl ToJson for PathBuf {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_string_lossy().as_ref().write(out);
    }
}

impl FromJson for PathBuf {
    fn blank() -> PathBuf {
        PathBuf::new()
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        *self = String::read(value)?.into();
        Ok(())
    }
}

impl ToJson for Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(value) => value.write(out),
            // Memory takes it.
            Value::Number(number) => drop(write!(out, "{number}")),
            Value::String(text) => text.write(out),
            Value::Array(values) => values.write(out),
            Value::Object(entries) => {
                let mut object = Object::new(out);
                entries.iter().for_each(|(key, value)| object.put_always(key, value));
                object.end();
            }
        }
    }
}

impl FromJson for Value {
    fn blank() -> Value {
        Value::Null
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        self.clone_from(value);
        Ok(())
    }
}

impl ToJson for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl FromJson for bool {
    fn blank() -> bool {
        false
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        *self = value.as_bool().ok_or("neither true nor false")?;
        Ok(())
    }
}

impl ToJson for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        // Memory takes it.
        let _ = write!(out, "{self}");
    }
}

impl FromJson for u64 {
    fn blank() -> u64 {
        0
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        *self = value.as_u64().ok_or("no whole number from 0 on")?;
        Ok(())
    }
}

macro_rules! smaller {
    ($($type:ty),*) => {$(
        impl ToJson for $type {
            fn write(&self, out: &mut Vec<u8>) {
                u64::from(*self).write(out);
            }
        }

        impl FromJson for $type {
            fn blank() -> $type {
                0
            }

            fn fill(&mut self, value: &Value) -> Result<(), String> {
                *self = <$type>::try_from(u64::read(value)?).map_err(|_| "too large a number")?;
                Ok(())
            }
        }
    )*};
}
smaller!(u8, u32);

impl<T: ToJson> ToJson for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn is_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn blank() -> Option<T> {
        None
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        *self = if value.is_null() { None } else { Some(T::read(value)?) };
        Ok(())
    }

    fn may_be_missing(&self) -> bool {
        true
    }
}

fn write_list<'a>(list: impl Iterator<Item = &'a dyn ToJson>, out: &mut Vec<u8>) {
    let mut before = b'[';
    for value in list {
        out.push(before);
        value.write(out);
        before = b',';
    }
    out.extend_from_slice(if before == b'[' { b"[]" } else { b"]" });
}

impl<T: ToJson> ToJson for [T] {
    fn write(&self, out: &mut Vec<u8>) {
        write_list(self.iter().map(|value| value as &dyn ToJson), out);
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_slice().write(out);
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn blank() -> Vec<T> {
        Vec::new()
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let Value::Array(values) = value else {
            return Err("no list".to_owned());
        };
        for value in values {
            self.push(T::read(value)?);
        }
        Ok(())
    }

    fn may_be_missing(&self) -> bool {
        true
    }
}

impl<T: ToJson + Ord> ToJson for SortedSet<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_list(self.iter().map(|value| value as &dyn ToJson), out);
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T: FromJson + Ord> FromJson for SortedSet<T> {
    fn blank() -> SortedSet<T> {
        SortedSet::new()
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        self.extend(Vec::<T>::read(value)?);
        Ok(())
    }

    fn may_be_missing(&self) -> bool {
        true
    }
}

impl<K: ToString + Ord, V: ToJson> ToJson for SortedMap<K, V> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        // An entry says something by being there.
        self.iter().for_each(|(key, value)| object.put_always(&key.to_string(), value));
        object.end();
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<K: FromJson + Ord, V: FromJson> FromJson for SortedMap<K, V> {
    fn blank() -> SortedMap<K, V> {
        SortedMap::new()
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        for (key, value) in Fields::of(value)?.object {
            let value = V::read(value).map_err(|why| below(key, &why))?;
            self.insert(K::read(&Value::String(key.clone()))?, value);
        }
        Ok(())
    }

    fn may_be_missing(&self) -> bool {
        true
    }
}
