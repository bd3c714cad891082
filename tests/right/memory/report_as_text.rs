//! Right: sends the report back as text
//! Changes: copy_on_write

pub fn write_in_child(pages: &mut Pages, writes: &[Write]) -> io::Result<Seen> {
    let report = process::fork(|| {
        let before = pages.usage()?;
        for w in writes {
            pages.set(w.page, w.value);
        }
        let after = pages.usage()?;
        let mut words = vec![
            before.shared,
            before.private_dirty,
            after.shared,
            after.private_dirty,
        ];
        words.extend((0..pages.len()).map(|p| usize::from(pages.get(p))));
        Ok(words
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(" "))
    })?
    .wait()?;
    let numbers = report
        .split(' ')
        .map(str::parse)
        .collect::<Result<Vec<usize>, _>>()
        .map_err(io::Error::other)?;
    Ok(Seen {
        before: Usage {
            shared: numbers[0],
            private_dirty: numbers[1],
        },
        after: Usage {
            shared: numbers[2],
            private_dirty: numbers[3],
        },
        child: numbers[4..].iter().map(|n| *n as u8).collect(),
        parent: first_bytes(pages),
    })
}
