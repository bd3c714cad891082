//! What a lock holds, as text, where that is easy to print.

use std::any::TypeId;
use std::fmt::Debug;

/// The value as `{:?}` prints it, if it is a number, a `bool`, a `char`, a string, or a list, pair or option of these.
pub(crate) fn value<T>(value: &T) -> Option<String> {
    // SAFETY: the id is that of the pointer's type, and the value is borrowed until `shown` returns.
    unsafe { shown(typeid::of::<T>(), std::ptr::from_ref(value).cast()) }
}

/// [`value`] of a type without its name: compiled once, here, and not in the learner's crate, which isn't optimized.
///
/// # Safety
/// `value` points to a value of the type with this id, lifetimes apart, which lives and isn't written to meanwhile.
unsafe fn shown(id: TypeId, value: *const ()) -> Option<String> {
    macro_rules! any_of {
        ($($ty:ty),* $(,)?) => {
            $(
                if id == TypeId::of::<$ty>() {
                    // SAFETY: the caller's promise, and the types are the same up to lifetimes. For every type here these
                    // make no difference: it owns all its data, or is a `&str`, which is only read while `value` is borrowed.
                    return Some(print(unsafe { &*value.cast::<$ty>() }));
                }
            )*
        };
    }
    macro_rules! any_with {
        ($($ty:ty),* $(,)?) => {
            $( any_of!($ty, Vec<$ty>, Option<$ty>, ($ty, $ty)); )*
        };
    }
    any_of!(());
    any_with!(
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
    None
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
