//! What a lock holds, as text, where that is easy to print.

use std::fmt::Debug;

/// The value as `{:?}` prints it, if it is a number, a `bool`, a `char`, a string, or a list, pair or option of these.
pub(crate) fn value<T>(value: &T) -> Option<String> {
    macro_rules! any_of {
        ($($ty:ty),* $(,)?) => {
            $(
                if let Some(value) = cast::<T, $ty>(value) { return Some(print(value)); }
                if let Some(value) = cast::<T, Vec<$ty>>(value) { return Some(print(value)); }
                if let Some(value) = cast::<T, Option<$ty>>(value) { return Some(print(value)); }
                if let Some(value) = cast::<T, ($ty, $ty)>(value) { return Some(print(value)); }
            )*
        };
    }
    any_of!(
        u64,
        usize,
        i64,
        u32,
        i32,
        u128,
        i128,
        u16,
        i16,
        u8,
        i8,
        isize,
        bool,
        f64,
        f32,
        char,
        String,
        &'static str
    );
    if let Some(value) = cast::<T, ()>(value) {
        return Some(print(value));
    }
    None
}

/// The value as a `U`, if that is its type.
fn cast<T, U: 'static>(value: &T) -> Option<&U> {
    if typeid::of::<T>() != typeid::of::<U>() {
        return None;
    }
    // SAFETY: `T` and `U` are the same type up to lifetimes (compared above). For every `U` that `value` asks about the
    // lifetimes make no difference: it owns all its data, or is a `&str`, which is only read while `value` is borrowed.
    Some(unsafe { &*std::ptr::from_ref(value).cast::<U>() })
}

/// Long lists are cut: a schedule has a line for each step.
fn print(value: &dyn Debug) -> String {
    const LONG: usize = 60;
    let text = format!("{value:?}");
    match text.char_indices().nth(LONG) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn what_is_simple_is_shown() {
        assert_eq!(value(&7u64), Some("7".into()));
        assert_eq!(value(&"text"), Some("\"text\"".into()));
        assert_eq!(
            value(&String::from("text").as_str()),
            Some("\"text\"".into())
        );
        assert_eq!(value(&vec![1i32, 2]), Some("[1, 2]".into()));
        assert_eq!(value(&(1u64, 2u64)), Some("(1, 2)".into()));
        assert_eq!(value(&()), Some("()".into()));
        assert_eq!(
            value(&vec![0u8; 1000]).map(|text| text.chars().count()),
            Some(61)
        );
        struct Other;
        assert_eq!(value(&Other), None);
    }
}
