# TODO: A program of at most 20 lines that shows one claim. Keep what it prints with
# COURSE_BLESS=1 cargo test -p checks --test listings
print("hello from crash_isolation")
