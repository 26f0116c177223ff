extension DefaultText {
  /// Programs with comments. One text, long because it is data.
  static let code = [
    #"""
    """A small token-bucket rate limiter with per-key state.

    Each key (for example a user id or an address) owns a bucket that holds up to
    ``capacity`` tokens and refills at ``rate`` tokens per second. A request takes
    one or more tokens; if there are not enough, the caller is told how long to wait.
    """

    from __future__ import annotations

    import threading
    import time
    from collections import OrderedDict
    from dataclasses import dataclass
    from typing import Callable, Hashable


    @dataclass
    class _Bucket:
        tokens: float
        updated: float


    @dataclass(frozen=True)
    class Decision:
        allowed: bool
        retry_after: float  # seconds; 0.0 if the request is allowed

        def __bool__(self) -> bool:
            return self.allowed


    class RateLimiter:
        def __init__(
            self,
            rate: float,
            capacity: int,
            max_keys: int = 10_000,
            clock: Callable[[], float] = time.monotonic,
        ) -> None:
            if rate <= 0 or capacity < 1:
                raise ValueError("rate must be positive and capacity at least 1")
            self.rate = rate
            self.capacity = capacity
            self.max_keys = max_keys
            self._clock = clock
            self._lock = threading.Lock()
            # Ordered from least to most recently used, so that eviction is O(1).
            self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

        def check(self, key: Hashable, cost: int = 1) -> Decision:
            """Try to take ``cost`` tokens from the bucket that belongs to ``key``."""
            if cost > self.capacity:
                raise ValueError(f"cost {cost} can never be satisfied (capacity {self.capacity})")
            now = self._clock()
            with self._lock:
                bucket = self._buckets.get(key)
                if bucket is None:
                    bucket = _Bucket(tokens=float(self.capacity), updated=now)
                    self._buckets[key] = bucket
                    if len(self._buckets) > self.max_keys:
                        self._buckets.popitem(last=False)
                else:
                    self._buckets.move_to_end(key)
                    elapsed = max(0.0, now - bucket.updated)
                    bucket.tokens = min(self.capacity, bucket.tokens + elapsed * self.rate)
                    bucket.updated = now

                if bucket.tokens >= cost:
                    bucket.tokens -= cost
                    return Decision(True, 0.0)
                missing = cost - bucket.tokens
                return Decision(False, missing / self.rate)


    def test_refills_over_time() -> None:
        now = 0.0
        limiter = RateLimiter(rate=2.0, capacity=2, clock=lambda: now)
        assert limiter.check("alice")
        assert limiter.check("alice")
        denied = limiter.check("alice")
        assert not denied and abs(denied.retry_after - 0.5) < 1e-9
        assert limiter.check("bob"), "buckets must be independent of each other"
        now = 0.5
        assert limiter.check("alice")


    if __name__ == "__main__":
        test_refills_over_time()
        print("ok")
    """#,
    #"""
    /*
     * ringbuf.c - single-producer, single-consumer byte queue.
     *
     * The capacity must be a power of two. Head and tail are free-running counters
     * which are reduced modulo the capacity only when the storage is accessed, so
     * that all slots can be used and "full" is distinguishable from "empty":
     *
     *     empty:  head == tail
     *     full:   head - tail == capacity      (unsigned arithmetic may wrap)
     */

    #include <stdatomic.h>
    #include <stdbool.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>

    struct ringbuf {
        uint8_t *data;
        size_t mask;                 /* capacity - 1 */
        _Atomic size_t head;         /* written by the producer only */
        _Atomic size_t tail;         /* written by the consumer only */
    };

    static bool is_power_of_two(size_t n)
    {
        return n != 0 && (n & (n - 1)) == 0;
    }

    int ringbuf_init(struct ringbuf *rb, size_t capacity)
    {
        if (!is_power_of_two(capacity))
            return -1;

        rb->data = malloc(capacity);
        if (rb->data == NULL)
            return -1;

        rb->mask = capacity - 1;
        atomic_init(&rb->head, 0);
        atomic_init(&rb->tail, 0);
        return 0;
    }

    void ringbuf_free(struct ringbuf *rb)
    {
        free(rb->data);
        rb->data = NULL;
    }

    /* Copy up to len bytes into the buffer; returns the number actually written. */
    size_t ringbuf_write(struct ringbuf *rb, const void *src, size_t len)
    {
        size_t head = atomic_load_explicit(&rb->head, memory_order_relaxed);
        size_t tail = atomic_load_explicit(&rb->tail, memory_order_acquire);
        size_t space = rb->mask + 1 - (head - tail);

        if (len > space)
            len = space;

        size_t pos = head & rb->mask;
        size_t first = rb->mask + 1 - pos;   /* bytes until the end of the array */
        if (first > len)
            first = len;

        memcpy(rb->data + pos, src, first);
        memcpy(rb->data, (const uint8_t *)src + first, len - first);

        /* Publish the data before the new head becomes visible to the consumer. */
        atomic_store_explicit(&rb->head, head + len, memory_order_release);
        return len;
    }

    size_t ringbuf_read(struct ringbuf *rb, void *dst, size_t len)
    {
        size_t tail = atomic_load_explicit(&rb->tail, memory_order_relaxed);
        size_t head = atomic_load_explicit(&rb->head, memory_order_acquire);
        size_t used = head - tail;

        if (len > used)
            len = used;

        size_t pos = tail & rb->mask;
        size_t first = rb->mask + 1 - pos;
        if (first > len)
            first = len;

        memcpy(dst, rb->data + pos, first);
        memcpy((uint8_t *)dst + first, rb->data, len - first);

        atomic_store_explicit(&rb->tail, tail + len, memory_order_release);
        return len;
    }
    """#,
    #"""
    package org.example.depot;

    import java.util.Comparator;
    import java.util.HashMap;
    import java.util.List;
    import java.util.Map;
    import java.util.Objects;
    import java.util.Optional;

    /**
     * Keeps track of the stock in a depot and of reservations made for orders.
     *
     * <p>An item that has been reserved still lies on the shelf but is no longer
     * available to anybody else. Instances are not thread-safe.
     */
    public final class Inventory {

        public record Item(String sku, String name, int reorderLevel) {
            public Item {
                Objects.requireNonNull(sku, "sku");
                if (reorderLevel < 0) {
                    throw new IllegalArgumentException("reorderLevel must not be negative");
                }
            }
        }

        public static class OutOfStockException extends Exception {
            public OutOfStockException(String sku, int wanted, int available) {
                super(String.format("%s: %d requested, %d available", sku, wanted, available));
            }
        }

        private static final class Entry {
            final Item item;
            int onHand;
            int reserved;

            Entry(Item item) {
                this.item = item;
            }

            int available() {
                return onHand - reserved;
            }
        }

        private final Map<String, Entry> entries = new HashMap<>();

        public void receive(Item item, int quantity) {
            requirePositive(quantity);
            entries.computeIfAbsent(item.sku(), key -> new Entry(item)).onHand += quantity;
        }

        /**
         * Reserves every line of an order, or none of them.
         *
         * @param order quantities by SKU
         * @throws OutOfStockException if any line cannot be satisfied; in this case
         *         the inventory is left exactly as it was before the call
         */
        public void reserveAll(Map<String, Integer> order) throws OutOfStockException {
            // First pass: check only, so that nothing has to be rolled back.
            for (var line : order.entrySet()) {
                requirePositive(line.getValue());
                int available = find(line.getKey()).map(Entry::available).orElse(0);
                if (available < line.getValue()) {
                    throw new OutOfStockException(line.getKey(), line.getValue(), available);
                }
            }
            order.forEach((sku, quantity) -> entries.get(sku).reserved += quantity);
        }

        public void ship(String sku, int quantity) {
            requirePositive(quantity);
            Entry entry = find(sku).orElseThrow(
                    () -> new IllegalArgumentException("Unknown SKU: " + sku));
            if (entry.reserved < quantity) {
                throw new IllegalStateException("Cannot ship more than has been reserved");
            }
            entry.reserved -= quantity;
            entry.onHand -= quantity;
        }

        /** Items whose available stock has fallen below the reorder level, scarcest first. */
        public List<Item> toReorder() {
            return entries.values().stream()
                    .filter(e -> e.available() < e.item.reorderLevel())
                    .sorted(Comparator.comparingInt(Entry::available))
                    .map(e -> e.item)
                    .toList();
        }

        private Optional<Entry> find(String sku) {
            return Optional.ofNullable(entries.get(sku));
        }

        private static void requirePositive(int quantity) {
            if (quantity <= 0) {
                throw new IllegalArgumentException("quantity must be positive: " + quantity);
            }
        }
    }
    """#,
    #"""
    // search-box.js
    // Attaches suggestions to a text field. Requests are debounced, outdated
    // requests are aborted, and results can be selected with the keyboard.

    const DEFAULTS = {
      minLength: 2,
      delay: 200,
      limit: 8,
      endpoint: "/api/suggest",
    };

    export function attachSearchBox(input, list, options = {}) {
      const settings = { ...DEFAULTS, ...options };
      const cache = new Map();
      let controller = null;
      let timer = null;
      let activeIndex = -1;

      async function fetchSuggestions(term) {
        controller?.abort(); // a late answer must not overwrite a newer one
        if (cache.has(term)) {
          return cache.get(term);
        }
        controller = new AbortController();

        const params = new URLSearchParams({ q: term, limit: settings.limit });
        const response = await fetch(`${settings.endpoint}?${params}`, {
          signal: controller.signal,
          headers: { Accept: "application/json" },
        });
        if (!response.ok) {
          throw new Error(`Suggestion request failed with status ${response.status}`);
        }
        const items = await response.json();
        cache.set(term, items);
        return items;
      }

      function render(items) {
        activeIndex = -1;
        list.replaceChildren(
          ...items.map((item, index) => {
            const li = document.createElement("li");
            li.id = `${list.id}-option-${index}`;
            li.setAttribute("role", "option");
            li.textContent = item.label; // textContent, never innerHTML: labels are user data
            li.addEventListener("mousedown", (event) => {
              event.preventDefault(); // keep the focus in the input
              choose(item.label);
            });
            return li;
          })
        );
        list.hidden = items.length === 0;
        input.setAttribute("aria-expanded", String(!list.hidden));
      }

      function choose(label) {
        input.value = label;
        render([]);
        input.dispatchEvent(new CustomEvent("suggestion", { detail: label, bubbles: true }));
      }

      function move(step) {
        const rows = [...list.children];
        if (rows.length === 0) return;
        activeIndex = (activeIndex + step + rows.length) % rows.length;
        rows.forEach((row, i) => row.classList.toggle("active", i === activeIndex));
        input.setAttribute("aria-activedescendant", rows[activeIndex].id);
      }

      input.addEventListener("input", () => {
        clearTimeout(timer);
        const term = input.value.trim().toLowerCase();
        if (term.length < settings.minLength) {
          render([]);
          return;
        }
        timer = setTimeout(async () => {
          try {
            render(await fetchSuggestions(term));
          } catch (error) {
            if (error.name !== "AbortError") {
              console.warn(error);
              render([]);
            }
          }
        }, settings.delay);
      });

      input.addEventListener("keydown", (event) => {
        switch (event.key) {
          case "ArrowDown":
            event.preventDefault();
            move(+1);
            break;
          case "ArrowUp":
            event.preventDefault();
            // From the initial state, going up should land on the last row.
            move(activeIndex === -1 ? 0 : -1);
            break;
          case "Enter":
            if (activeIndex >= 0) {
              event.preventDefault();
              choose(list.children[activeIndex].textContent);
            }
            break;
          case "Escape":
            render([]);
            break;
        }
      });
    }
    """#,
    #"""
    -- Appointment schema of a small veterinary practice (PostgreSQL).

    CREATE EXTENSION IF NOT EXISTS btree_gist;

    CREATE TABLE owner (
        owner_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        full_name   text NOT NULL,
        phone       text,
        created_at  timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE animal (
        animal_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        owner_id    integer NOT NULL REFERENCES owner ON DELETE CASCADE,
        name        text NOT NULL,
        species     text NOT NULL CHECK (species IN ('dog', 'cat', 'rabbit', 'bird', 'other')),
        born_on     date,
        weight_kg   numeric(5, 2) CHECK (weight_kg > 0)
    );

    CREATE TABLE vet (
        vet_id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        full_name   text NOT NULL UNIQUE
    );

    CREATE TABLE appointment (
        appointment_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        animal_id       integer NOT NULL REFERENCES animal,
        vet_id          integer NOT NULL REFERENCES vet,
        during          tstzrange NOT NULL,
        reason          text,
        fee             numeric(8, 2) NOT NULL DEFAULT 0,
        cancelled       boolean NOT NULL DEFAULT false,
        -- A vet cannot be in two places at once, except in cancelled appointments.
        CONSTRAINT no_overlap EXCLUDE USING gist (vet_id WITH =, during WITH &&)
            WHERE (NOT cancelled)
    );

    CREATE INDEX appointment_animal_idx ON appointment (animal_id, lower(during) DESC);

    -- Monthly revenue per vet, with each vet's share of the month's total.
    SELECT
        date_trunc('month', lower(a.during))::date            AS month,
        v.full_name                                           AS vet,
        count(*)                                              AS appointments,
        sum(a.fee)                                            AS revenue,
        round(100 * sum(a.fee)
              / nullif(sum(sum(a.fee)) OVER (
                    PARTITION BY date_trunc('month', lower(a.during))), 0), 1)
                                                              AS share_percent
    FROM appointment AS a
    JOIN vet AS v USING (vet_id)
    WHERE NOT a.cancelled
    GROUP BY 1, 2, date_trunc('month', lower(a.during))
    ORDER BY month DESC, revenue DESC;

    -- Animals that have not been seen for more than a year, for the reminder letters.
    WITH last_visit AS (
        SELECT DISTINCT ON (animal_id)
               animal_id,
               upper(during) AS ended_at
        FROM appointment
        WHERE NOT cancelled
          AND upper(during) < now()
        ORDER BY animal_id, upper(during) DESC
    )
    SELECT o.full_name, o.phone, n.name AS animal, n.species,
           l.ended_at::date AS last_seen
    FROM animal AS n
    JOIN owner AS o USING (owner_id)
    LEFT JOIN last_visit AS l USING (animal_id)
    WHERE l.ended_at IS NULL
       OR l.ended_at < now() - interval '1 year'
    ORDER BY l.ended_at NULLS FIRST, o.full_name;
    """#,
    #"""
    #!/usr/bin/env bash
    #
    # snapshot.sh - incremental snapshots with rsync and hard links
    #
    # Usage: snapshot.sh [-n] [-k COUNT] SOURCE DESTINATION
    #
    #   -n        dry run, show what would be copied and change nothing
    #   -k COUNT  number of snapshots to keep (default: 14)
    #
    # Every run creates a directory DESTINATION/YYYY-MM-DDTHHMMSS that looks like a
    # full copy. Unchanged files are hard links into the previous snapshot and take
    # up no additional space.

    set -euo pipefail

    keep=14
    dry_run=0

    usage() {
        sed -n '3,12p' "$0" | sed 's/^# \{0,1\}//'
        exit "${1:-0}"
    }

    log() {
        printf '%s  %s\n' "$(date '+%H:%M:%S')" "$*" >&2
    }

    die() {
        log "ERROR: $*"
        exit 1
    }

    while getopts ':nk:h' opt; do
        case "$opt" in
            n) dry_run=1 ;;
            k) keep="$OPTARG" ;;
            h) usage 0 ;;
            :) die "option -$OPTARG needs a value" ;;
            *) die "unknown option -$OPTARG" ;;
        esac
    done
    shift $((OPTIND - 1))

    [[ $# -eq 2 ]] || usage 2
    [[ "$keep" =~ ^[1-9][0-9]*$ ]] || die "invalid number of snapshots: $keep"

    source_dir="${1%/}/"          # the trailing slash means "contents of"
    dest="${2%/}"

    [[ -d "$source_dir" ]] || die "no such directory: $source_dir"
    mkdir -p "$dest"
    dest="$(cd "$dest" && pwd)"   # --link-dest needs an absolute path

    # Only one instance at a time; the lock is released when the script exits.
    exec 9>"$dest/.lock"
    flock -n 9 || die "another backup is already running"

    stamp="$(date '+%Y-%m-%dT%H%M%S')"
    partial="$dest/.partial-$stamp"
    args=(--archive --delete --numeric-ids --exclude-from=- --stats)

    if [[ -L "$dest/latest" ]]; then
        args+=(--link-dest="$dest/$(readlink "$dest/latest")")
    fi
    if (( dry_run )); then
        args+=(--dry-run --verbose)
    else
        trap 'rm -rf -- "$partial"' EXIT
    fi

    log "copying $source_dir"
    rsync "${args[@]}" "$source_dir" "$partial/" <<'PATTERNS'
    .cache/
    node_modules/
    *.tmp
    *~
    PATTERNS

    if (( dry_run )); then
        log "dry run finished, nothing was changed"
        exit 0
    fi

    # Rename only after a complete transfer, so that a half-finished copy can
    # never be mistaken for a snapshot.
    mv -- "$partial" "$dest/$stamp"
    ln -sfn -- "$stamp" "$dest/latest"
    log "created $dest/$stamp"

    # The names sort chronologically, therefore the oldest ones come first.
    mapfile -t snapshots < <(find "$dest" -mindepth 1 -maxdepth 1 -type d -name '20*' | sort)
    excess=$(( ${#snapshots[@]} - keep ))
    for (( i = 0; i < excess; i++ )); do
        log "removing ${snapshots[i]}"
        rm -rf -- "${snapshots[i]}"
    done
    """#,
    #"""
    //! A tiny calculator: a recursive-descent parser that evaluates while it reads.
    //!
    //! Grammar:
    //!     expr   = term   { ("+" | "-") term }
    //!     term   = factor { ("*" | "/") factor }
    //!     factor = "-" factor | atom [ "^" factor ]
    //!     atom   = number | "(" expr ")"

    use std::iter::Peekable;
    use std::str::Chars;

    #[derive(Debug, PartialEq)]
    pub enum CalcError {
        BadNumber(String),
        Unexpected(char),
        UnexpectedEnd,
        DivisionByZero,
    }

    type Result<T> = std::result::Result<T, CalcError>;

    struct Parser<'a> {
        chars: Peekable<Chars<'a>>,
    }

    impl<'a> Parser<'a> {
        fn new(input: &'a str) -> Self {
            Parser { chars: input.chars().peekable() }
        }

        /// The next character that is not a blank, without consuming it.
        fn peek(&mut self) -> Option<char> {
            while self.chars.next_if(|c| c.is_whitespace()).is_some() {}
            self.chars.peek().copied()
        }

        fn accept(&mut self, wanted: char) -> bool {
            if self.peek() == Some(wanted) {
                self.chars.next();
                true
            } else {
                false
            }
        }

        fn expr(&mut self) -> Result<f64> {
            let mut value = self.term()?;
            loop {
                if self.accept('+') {
                    value += self.term()?;
                } else if self.accept('-') {
                    value -= self.term()?;
                } else {
                    return Ok(value);
                }
            }
        }

        fn term(&mut self) -> Result<f64> {
            let mut value = self.factor()?;
            loop {
                if self.accept('*') {
                    value *= self.factor()?;
                } else if self.accept('/') {
                    match self.factor()? {
                        d if d == 0.0 => return Err(CalcError::DivisionByZero),
                        d => value /= d,
                    }
                } else {
                    return Ok(value);
                }
            }
        }

        // Unary minus binds more loosely than "^", so that -2^2 is -4.
        fn factor(&mut self) -> Result<f64> {
            if self.accept('-') {
                return Ok(-self.factor()?);
            }
            let base = self.atom()?;
            if self.accept('^') {
                let exponent = self.factor()?; // right-associative: 2^3^2 = 2^9
                return Ok(base.powf(exponent));
            }
            Ok(base)
        }

        fn atom(&mut self) -> Result<f64> {
            if self.accept('(') {
                let value = self.expr()?;
                return if self.accept(')') { Ok(value) } else { Err(self.error()) };
            }
            let mut text = String::new();
            self.peek(); // skip leading blanks
            while let Some(c) = self.chars.next_if(|c| c.is_ascii_digit() || *c == '.') {
                text.push(c);
            }
            if text.is_empty() {
                return Err(self.error());
            }
            text.parse().map_err(|_| CalcError::BadNumber(text))
        }

        fn error(&mut self) -> CalcError {
            self.peek().map_or(CalcError::UnexpectedEnd, CalcError::Unexpected)
        }
    }

    pub fn evaluate(input: &str) -> Result<f64> {
        let mut parser = Parser::new(input);
        let value = parser.expr()?;
        match parser.peek() {
            None => Ok(value),
            Some(c) => Err(CalcError::Unexpected(c)),
        }
    }

    #[test]
    fn precedence_and_errors() {
        assert_eq!(evaluate("2 + 3 * (4 - 1)"), Ok(11.0));
        assert_eq!(evaluate("2^3^2"), Ok(512.0));
        assert_eq!(evaluate("1 / (3 - 3)"), Err(CalcError::DivisionByZero));
        assert_eq!(evaluate("(1 + 2"), Err(CalcError::UnexpectedEnd));
    }
    """#,
    #"""
    <!DOCTYPE html>
    <html lang="en">
    <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>Opening hours – Marlow Street Allotments</title>
      <style>
        :root {
          --leaf: #2f6b3a;
          --soil: #4a3728;
          --paper: #fbf9f4;
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto;
          max-width: 46rem;
          padding: 1rem;
          background: var(--paper);
          color: var(--soil);
          font: 1.05rem/1.6 Georgia, serif;
        }
        header h1 { color: var(--leaf); margin-bottom: 0.2em; }
        nav ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0; }
        table { border-collapse: collapse; width: 100%; }
        th, td { padding: 0.4rem 0.6rem; text-align: left; border-bottom: 1px solid #d8d0c0; }
        .notice { border-left: 4px solid var(--leaf); padding-left: 1rem; }
        @media (prefers-color-scheme: dark) {
          :root { --paper: #1d1b18; --soil: #e8e0d4; --leaf: #8fcf9a; }
        }
      </style>
    </head>
    <body>
      <header>
        <h1>Marlow Street Allotments</h1>
        <p>Sixty-two plots, one tap that always drips, and room for beginners.</p>
        <nav aria-label="Main">
          <ul>
            <li><a href="/">Home</a></li>
            <li><a href="/hours.html" aria-current="page">Opening hours</a></li>
            <li><a href="/waiting-list.html">Waiting list</a></li>
          </ul>
        </nav>
      </header>

      <main>
        <h2 id="hours">Opening hours</h2>
        <table aria-labelledby="hours">
          <thead>
            <tr><th scope="col">Season</th><th scope="col">Gate</th><th scope="col">Tool shed</th></tr>
          </thead>
          <tbody>
            <tr><th scope="row">March to October</th><td>7:00–21:00</td><td>9:00–18:00</td></tr>
            <tr><th scope="row">November to February</th><td>8:00–17:00</td><td>Saturdays only</td></tr>
          </tbody>
        </table>

        <p class="notice">The water is turned off from the first frost until the end of March.
          Please empty your hoses.</p>

        <h2>Ask for a tour</h2>
        <form action="/tour" method="post">
          <p>
            <label for="name">Your name</label><br>
            <input id="name" name="name" autocomplete="name" required>
          </p>
          <p>
            <label for="day">Preferred day</label><br>
            <select id="day" name="day">
              <option value="sat">Saturday morning</option>
              <option value="sun">Sunday afternoon</option>
            </select>
          </p>
          <!-- Hidden from people, filled in by spam robots -->
          <p hidden><input name="website" tabindex="-1" autocomplete="off"></p>
          <button type="submit">Send request</button>
        </form>
      </main>

      <footer>
        <small>Run by volunteers. Last updated in <time datetime="2030-04">April 2030</time>.</small>
      </footer>
    </body>
    </html>
    """#,
  ]
}
