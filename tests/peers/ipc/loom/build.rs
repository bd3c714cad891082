//! Takes the reference ring, and one copy of it for each `Release` and `Acquire`, in which that one is `Relaxed`.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let ring = "../../../../solutions/ipc/src/ring.rs";
    println!("cargo::rerun-if-changed={ring}");
    let text = fs::read_to_string(ring).expect("the reference ring is there");
    // What is included can't document the module that it is included into.
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("//!"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    fs::write(out.join("ring.rs"), &text).expect("it is written");
    let mut weakened = String::new();
    let mut names = Vec::new();
    for order in ["Ordering::Release", "Ordering::Acquire"] {
        for (nth, (at, _)) in text.match_indices(order).enumerate() {
            let name = format!(
                "{}_{nth}",
                order.trim_start_matches("Ordering::").to_lowercase()
            );
            let weak = format!(
                "{}Ordering::Relaxed{}",
                &text[..at],
                &text[at + order.len()..]
            );
            fs::write(out.join(format!("{name}.rs")), weak).expect("it is written");
            weakened += &format!(
                "mod {name} {{ include!(concat!(env!(\"OUT_DIR\"), \"/{name}.rs\")); }}\n"
            );
            names.push(name);
        }
    }
    let list: Vec<String> = names
        .iter()
        .map(|name| format!("(\"{name}\", |memory: &Mapping, message: &[u8]| {name}::Ring::new(memory).try_send(message), |memory: &Mapping| {name}::Ring::new(memory).try_recv())"))
        .collect();
    weakened += &format!(
        "pub const WEAKENED: &[(&str, Send, Recv)] = &[{}];\n",
        list.join(",\n")
    );
    fs::write(out.join("weakened.rs"), weakened).expect("it is written");
}
