;; The one pass over every byte (see sweep.ts): what may stand where, 32 bytes a step. The other implementation of the same is sweep-plain.ts.
;;
;; Memory:
;;       0  pieces:  2^16 bytes of eight bits, the three-byte pieces of which needles' windows are made
;;   65536  windows: 2^19 bits, the needles' windows of four bytes
;;  131072  the classes of bytes, as tables for i8x16.swizzle (64 bytes, written by sweep-simd.ts)
;;  131136  i32: base64 characters directly before the block; then how many places were written: windows, run ends, sparse, digits, words; then the last block's letters
;;  131168  hashes of eight pieces
;;  131200  input: the sixteen bytes before the block stand before it; after its end at least 32 bytes may be read
;;  196608  out: places of windows (i32)
;;  327744  out: runs of base64 characters (i32 start, i32 end)
;;  344192  out: places of sparse text (i32)
;;  348416  out: blocks of sixteen bytes with five digits in them (i32)
;;  356608  out: places of rows of words (i32)
;;  364832  the bytes of which rows of words are made, as such tables (32 bytes)
;;  368640  the hashes of listed words: 2^15 bits
;;  372736  out: places of dense text (i32)
;;  380992  out: blocks of sixteen bytes with characters outside ASCII that matter (i32)
;;  389264  what the next block needs to know of this one: which of its bytes are visible, which are capitals, what its last one is; then how many places of dense text and of other characters were written (i32 each)
;;  389296  kinds of bytes by their high half (16 bytes)
;;  389312  lead bytes that matter (32 bytes)
;;  389344  the sixteen bytes in which pieces of windows were seen: address << 8, and a bit for each of eight pieces (i32)
;; All places are those of the view: the block's own begin at $base.
(module
  (memory (export "memory") 7)
  ;; 1 if the word of $length letters, at most eight, has the hash of a listed one.
  (func $isListed (param $place i32) (param $length i32) (result i32)
    (local $word i64) (local $hash i32)
    (local.set $word
      (i64.and
        (i64.load align=1 (local.get $place))
        (i64.shr_u (i64.const -1) (i64.extend_i32_u (i32.sub (i32.const 64) (i32.shl (local.get $length) (i32.const 3)))))))
    (local.set $hash
      (i32.shr_u
        (i32.xor
          (i32.mul (i32.wrap_i64 (local.get $word)) (i32.const 0x9e3779b1))
          (i32.mul (i32.wrap_i64 (i64.shr_u (local.get $word) (i64.const 32))) (i32.const 0x85ebca6b)))
        (i32.const 17)))
    (i32.and
      (i32.shr_u (i32.load8_u offset=368640 (i32.shr_u (local.get $hash) (i32.const 3))) (i32.and (local.get $hash) (i32.const 7)))
      (i32.const 1)))
  ;; Looks at $length bytes, a multiple of 32. Returns which classes occur, and 256 for a byte outside ASCII.
  (func (export "sweep") (param $length i32) (param $base i32) (result i32)
    (local $at i32) (local $end i32) (local $delta i32) (local $windows i32) (local $runs i32) (local $sparse i32) (local $digits i32) (local $words i32) (local $carry i32)
    (local $piece i32) (local $hash i32) (local $mask i32) (local $lead i32) (local $alnum i32) (local $fours i32) (local $starts i32) (local $letters i32) (local $before i32) (local $gaps i32) (local $listed i32)
    (local $list i32) (local $lastEntry i32) (local $base64 i32) (local $visible i32) (local $capitals i32) (local $highs i32) (local $edge i32) (local $dense i32) (local $high16 i32)
    (local $kinds v128) (local $bytes v128) (local $next v128) (local $class v128) (local $marks v128) (local $low v128) (local $high v128) (local $seen v128) (local $all v128)
    (local $lowTable v128) (local $highTable v128) (local $dumpLow v128) (local $dumpHigh v128) (local $rowLow v128) (local $rowHigh v128)
    (local.set $lowTable (v128.load offset=131072 (i32.const 0)))
    (local.set $highTable (v128.load offset=131088 (i32.const 0)))
    (local.set $dumpLow (v128.load offset=131104 (i32.const 0)))
    (local.set $dumpHigh (v128.load offset=131120 (i32.const 0)))
    (local.set $at (i32.const 131200))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (local.set $delta (i32.sub (local.get $base) (local.get $at)))
    (local.set $windows (i32.const 196608))
    (local.set $runs (i32.const 327744))
    (local.set $sparse (i32.const 344192))
    (local.set $digits (i32.const 348416))
    (local.set $words (i32.const 356608))
    (local.set $rowLow (v128.load offset=364832 (i32.const 0)))
    (local.set $rowHigh (v128.load offset=364848 (i32.const 0)))
    (local.set $before (i32.load offset=131160 (i32.const 0)))
    (local.set $carry (i32.load offset=131136 (i32.const 0)))
    (local.set $list (i32.const 389344))
    (local.set $dense (i32.const 372736))
    (local.set $high16 (i32.const 380992))
    (local.set $visible (i32.load offset=389264 (i32.const 0)))
    (local.set $capitals (i32.load offset=389268 (i32.const 0)))
    (local.set $edge (i32.load offset=389272 (i32.const 0)))
    (block $looked
      (br_if $looked (i32.eqz (local.get $length)))
      (loop $looks
        ;; The eight pieces that begin in these sixteen bytes at even places: the first two bytes, and the third. Their hashes go through memory.
        (local.set $low (v128.or (v128.load (local.get $at)) (v128.const i16x8 0x2020 0x2020 0x2020 0x2020 0x2020 0x2020 0x2020 0x2020)))
        (local.set $high (v128.and (v128.or (v128.load offset=2 align=2 (local.get $at)) (v128.const i16x8 0x0020 0x0020 0x0020 0x0020 0x0020 0x0020 0x0020 0x0020)) (v128.const i16x8 0x00ff 0x00ff 0x00ff 0x00ff 0x00ff 0x00ff 0x00ff 0x00ff)))
        (v128.store offset=131168 (i32.const 0)
          (i16x8.add (i16x8.mul (local.get $low) (v128.const i16x8 0x9e37 0x9e37 0x9e37 0x9e37 0x9e37 0x9e37 0x9e37 0x9e37)) (i16x8.mul (local.get $high) (v128.const i16x8 0x85eb 0x85eb 0x85eb 0x85eb 0x85eb 0x85eb 0x85eb 0x85eb))))
        (local.set $marks (v128.const i32x4 0 0 0 0))
        (local.set $marks (v128.load8_lane 0 (i32.load16_u offset=131168 (i32.const 0)) (local.get $marks)))
        (local.set $marks (v128.load8_lane 2 (i32.load16_u offset=131170 (i32.const 0)) (local.get $marks)))
        (local.set $marks (v128.load8_lane 4 (i32.load16_u offset=131172 (i32.const 0)) (local.get $marks)))
        (local.set $marks (v128.load8_lane 6 (i32.load16_u offset=131174 (i32.const 0)) (local.get $marks)))
        (local.set $marks (v128.load8_lane 8 (i32.load16_u offset=131176 (i32.const 0)) (local.get $marks)))
        (local.set $marks (v128.load8_lane 10 (i32.load16_u offset=131178 (i32.const 0)) (local.get $marks)))
        (local.set $marks (v128.load8_lane 12 (i32.load16_u offset=131180 (i32.const 0)) (local.get $marks)))
        (local.set $marks (v128.load8_lane 14 (i32.load16_u offset=131182 (i32.const 0)) (local.get $marks)))
        ;; Each entry of the table has a bit for each value of a second hash.
        (local.set $marks
          (v128.and
            (local.get $marks)
            (i8x16.swizzle
              (v128.const i8x16 1 2 4 8 16 32 64 128 0 0 0 0 0 0 0 0)
              (i16x8.shr_u
                (i16x8.add (i16x8.mul (local.get $low) (v128.const i16x8 0xca6b 0xca6b 0xca6b 0xca6b 0xca6b 0xca6b 0xca6b 0xca6b)) (i16x8.mul (local.get $high) (v128.const i16x8 0x79b1 0x79b1 0x79b1 0x79b1 0x79b1 0x79b1 0x79b1 0x79b1)))
                (i32.const 13)))))
        ;; Which of them a window may hold, with the place: goes on to the next one in the list if there are any.
        (local.set $mask (i32.xor (i16x8.bitmask (i16x8.eq (local.get $marks) (v128.const i32x4 0 0 0 0))) (i32.const 0xff)))
        (i32.store (local.get $list) (i32.or (i32.shl (local.get $at) (i32.const 8)) (local.get $mask)))
        (local.set $list (i32.add (local.get $list) (i32.shl (i32.ne (local.get $mask) (i32.const 0)) (i32.const 2))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $looks (i32.lt_u (local.get $at) (local.get $end)))))
    ;; What those pieces belong to: no branch of the loop above has to be guessed.
    (local.set $lastEntry (local.get $list))
    (local.set $list (i32.const 389344))
    (block $resolved
      (loop $entries
        (br_if $resolved (i32.ge_u (local.get $list) (local.get $lastEntry)))
        (local.set $at (i32.shr_u (i32.load (local.get $list)) (i32.const 8)))
        (local.set $mask (i32.load8_u (local.get $list)))
        (loop $pieces
          ;; A piece may be its window's bytes 1-3 or 0-2. $piece is a byte before it, so that offsets are never negative.
          (local.set $piece (i32.add (local.get $at) (i32.sub (i32.shl (i32.ctz (local.get $mask)) (i32.const 1)) (i32.const 1))))
          (local.set $hash
            (i32.mul (i32.or (i32.load offset=0 align=1 (local.get $piece)) (i32.const 0x20202020)) (i32.const 0x85ebca6b)))
          (i32.store (local.get $windows) (i32.add (local.get $piece) (local.get $delta)))
          ;; Goes on to the next place in the output if the table knows the window.
          (local.set $windows
            (i32.add (local.get $windows)
              (i32.and
                (i32.shl
                  (i32.shr_u
                    (i32.load offset=65536 (i32.shl (i32.shr_u (local.get $hash) (i32.const 18)) (i32.const 2)))
                    (i32.shr_u (local.get $hash) (i32.const 13)))
                  (i32.const 2))
                (i32.const 4))))
          (local.set $hash
            (i32.mul (i32.or (i32.load offset=1 align=1 (local.get $piece)) (i32.const 0x20202020)) (i32.const 0x85ebca6b)))
          (i32.store (local.get $windows) (i32.add (i32.add (local.get $piece) (local.get $delta)) (i32.const 1)))
          ;; Goes on to the next place in the output if the table knows the window.
          (local.set $windows
            (i32.add (local.get $windows)
              (i32.and
                (i32.shl
                  (i32.shr_u
                    (i32.load offset=65536 (i32.shl (i32.shr_u (local.get $hash) (i32.const 18)) (i32.const 2)))
                    (i32.shr_u (local.get $hash) (i32.const 13)))
                  (i32.const 2))
                (i32.const 4))))
          (br_if $pieces (local.tee $mask (i32.and (local.get $mask) (i32.sub (local.get $mask) (i32.const 1))))))
        (local.set $list (i32.add (local.get $list) (i32.const 4)))
        (br $entries)))
    (local.set $at (i32.const 131200))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        ;; Classes: both halves of a byte name the classes that it may be of.
        (local.set $bytes (v128.load (local.get $at)))
        (local.set $all (v128.or (local.get $all) (local.get $bytes)))
        (local.set $low (v128.and (local.get $bytes) (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f)))
        (local.set $high (i8x16.shr_u (local.get $bytes) (i32.const 4)))
        (local.set $class (v128.and (i8x16.swizzle (local.get $lowTable) (local.get $low)) (i8x16.swizzle (local.get $highTable) (local.get $high))))
        (local.set $seen (v128.or (local.get $seen) (local.get $class)))
        ;; Digits: goes on to the next place in the output if there are enough of them.
        (i32.store (local.get $digits) (i32.add (local.get $at) (local.get $delta)))
        (local.set $digits
          (i32.add (local.get $digits)
            (i32.shl
              (i32.ge_u
                (i32.popcnt (i8x16.bitmask (i8x16.eq (v128.and (local.get $class) (v128.const i32x4 0x04040404 0x04040404 0x04040404 0x04040404)) (v128.const i32x4 0x04040404 0x04040404 0x04040404 0x04040404))))
                (i32.const 5))
              (i32.const 2))))
        ;; Rows of words: what is made of nothing but lower-case letters and what stands between words. $letters: which of them are letters of words.
        (if (i8x16.all_true (v128.and (i8x16.swizzle (local.get $rowLow) (local.get $low)) (i8x16.swizzle (local.get $rowHigh) (local.get $high))))
          (then
            ;; The letter of an escape is none.
            (local.set $letters
              (i32.and
                (i8x16.bitmask (i8x16.lt_u (i8x16.sub (local.get $bytes) (v128.const i32x4 0x61616161 0x61616161 0x61616161 0x61616161)) (v128.const i32x4 0x1a1a1a1a 0x1a1a1a1a 0x1a1a1a1a 0x1a1a1a1a)))
                (i32.xor
                  (i32.or
                    (i32.shl (i8x16.bitmask (i8x16.eq (local.get $bytes) (v128.const i32x4 0x5c5c5c5c 0x5c5c5c5c 0x5c5c5c5c 0x5c5c5c5c))) (i32.const 1))
                    (i32.eq (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 0x5c)))
                  (i32.const -1))))
            (if (local.get $before)
              (then
                ;; 32 bytes in a row. No word of one or two letters in them, none of nine.
                (local.set $mask (i32.or (i32.and (local.get $before) (i32.const 0xffff)) (i32.shl (local.get $letters) (i32.const 16))))
                (local.set $gaps (i32.xor (local.get $mask) (i32.const -1)))
                (local.set $fours (i32.and (local.get $mask) (i32.shr_u (local.get $mask) (i32.const 1))))
                (local.set $starts
                  (i32.and
                    (i32.and (local.get $mask) (i32.shl (local.get $gaps) (i32.const 1)))
                    (i32.or (i32.shr_u (local.get $gaps) (i32.const 1)) (i32.and (local.get $fours) (i32.shr_u (local.get $gaps) (i32.const 2))))))
                (local.set $fours (i32.and (local.get $fours) (i32.shr_u (local.get $fours) (i32.const 2))))
                (local.set $fours (i32.and (local.get $fours) (i32.shr_u (local.get $fours) (i32.const 4))))
                (local.set $fours (i32.and (local.get $fours) (i32.shr_u (local.get $mask) (i32.const 8))))
                (if
                  (i32.and
                    (i32.eqz (i32.or (local.get $starts) (local.get $fours)))
                    (i32.ge_u (i32.popcnt (local.get $mask)) (i32.const 10)))
                  (then
                    ;; The words that are whole in them are listed.
                    (local.set $starts (i32.and (local.get $mask) (i32.shl (local.get $gaps) (i32.const 1))))
                    (local.set $listed (i32.const 1))
                    (loop $whole
                      (local.set $lead (i32.ctz (local.get $starts)))
                      (local.set $hash (i32.ctz (i32.shr_u (local.get $gaps) (local.get $lead))))
                      (if (i32.and (i32.ne (local.get $starts) (i32.const 0)) (i32.lt_u (local.get $hash) (i32.const 32)))
                        (then
                          (local.set $listed (call $isListed (i32.add (i32.sub (local.get $at) (i32.const 16)) (local.get $lead)) (local.get $hash)))
                          (local.set $starts (i32.and (local.get $starts) (i32.sub (local.get $starts) (i32.const 1))))
                          (br_if $whole (local.get $listed)))))
                    (i32.store (local.get $words) (i32.sub (i32.add (local.get $at) (local.get $delta)) (i32.const 16)))
                    (local.set $words (i32.add (local.get $words) (i32.shl (local.get $listed) (i32.const 2))))))))
            (local.set $before (i32.or (local.get $letters) (i32.const 0x10000))))
          (else (local.set $before (i32.const 0))))
        ;; Dense text: seventeen visible bytes or more in this block and the one before, two capitals among them, and half of them of another kind than the
        ;; byte before. Kinds, roughly, by the high half of a byte: signs, digits, capitals, small letters. The upper halves of the masks are those of this block.
        (local.set $visible
          (i32.or
            (i32.shr_u (local.get $visible) (i32.const 16))
            (i32.shl (i8x16.bitmask (i8x16.gt_s (local.get $bytes) (v128.const i32x4 0x20202020 0x20202020 0x20202020 0x20202020))) (i32.const 16))))
        (local.set $capitals
          (i32.or
            (i32.shr_u (local.get $capitals) (i32.const 16))
            (i32.shl
              (i8x16.bitmask
                (i8x16.lt_s
                  (i8x16.add (local.get $bytes) (v128.const i32x4 0x3f3f3f3f 0x3f3f3f3f 0x3f3f3f3f 0x3f3f3f3f))
                  (v128.const i32x4 0x9a9a9a9a 0x9a9a9a9a 0x9a9a9a9a 0x9a9a9a9a)))
              (i32.const 16))))
        (if (i32.ge_u (i32.popcnt (local.get $capitals)) (i32.const 2))
          (then
            (local.set $mask (i32.and (local.get $visible) (i32.shr_u (local.get $visible) (i32.const 1))))
            (local.set $mask (i32.and (local.get $mask) (i32.shr_u (local.get $mask) (i32.const 2))))
            (local.set $mask (i32.and (local.get $mask) (i32.shr_u (local.get $mask) (i32.const 4))))
            (local.set $mask (i32.and (local.get $mask) (i32.shr_u (local.get $mask) (i32.const 8))))
            (local.set $mask (i32.and (local.get $mask) (i32.shr_u (local.get $mask) (i32.const 1))))
            (if (local.get $mask)
              (then
                ;; From where seventeen begin back to all of them: two such runs do not fit.
                (local.set $mask (i32.or (local.get $mask) (i32.shl (local.get $mask) (i32.const 1))))
                (local.set $mask (i32.or (local.get $mask) (i32.shl (local.get $mask) (i32.const 1))))
                (local.set $mask (i32.or (local.get $mask) (i32.shl (local.get $mask) (i32.const 2))))
                (local.set $mask (i32.or (local.get $mask) (i32.shl (local.get $mask) (i32.const 4))))
                (local.set $mask (i32.or (local.get $mask) (i32.shl (local.get $mask) (i32.const 8))))
                (local.set $kinds (i8x16.swizzle (v128.load offset=389296 (i32.const 0)) (i8x16.shr_u (v128.load (i32.sub (local.get $at) (i32.const 16))) (i32.const 4))))
                (local.set $next (i8x16.swizzle (v128.load offset=389296 (i32.const 0)) (local.get $high)))
                (i32.store (local.get $dense)
                  (i32.sub (i32.add (i32.add (local.get $at) (local.get $delta)) (i32.const 15)) (i32.clz (local.get $mask))))
                (local.set $dense
                  (i32.add (local.get $dense)
                    (i32.shl
                      (i32.and
                        (i32.ge_u (i32.popcnt (i32.and (local.get $capitals) (local.get $mask))) (i32.const 2))
                        (i32.ge_u
                          (i32.shl
                            (i32.popcnt
                              (i32.and
                                (local.get $mask)
                                (i32.xor
                                  (i32.or
                                    (i8x16.bitmask (i8x16.eq (local.get $kinds) (i8x16.shuffle 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 (v128.const i32x4 0 0 0 0) (local.get $kinds))))
                                    (i32.shl
                                      (i8x16.bitmask (i8x16.eq (local.get $next) (i8x16.shuffle 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 (local.get $kinds) (local.get $next))))
                                      (i32.const 16)))
                                  (i32.const -1))))
                            (i32.const 1))
                          (i32.popcnt (local.get $mask))))
                      (i32.const 2))))))))
        ;; Runs of base64: what the block begins with goes on from what the last one ended with.
        (local.set $mask (i32.xor (i8x16.bitmask (i8x16.eq (v128.and (local.get $class) (v128.const i32x4 0x1f1f1f1f 0x1f1f1f1f 0x1f1f1f1f 0x1f1f1f1f)) (v128.const i32x4 0 0 0 0))) (i32.const 0xffff)))
        (local.set $base64 (local.get $mask))
        (local.set $lead (i32.ctz (i32.xor (local.get $mask) (i32.const -1))))
        (if (i32.ge_u (i32.add (local.get $carry) (local.get $lead)) (i32.const 16))
          (then
            (if (i32.eq (local.get $mask) (i32.const 0xffff))
              (then (local.set $carry (i32.add (local.get $carry) (i32.const 16))))
              (else
                (i32.store (local.get $runs) (i32.sub (i32.add (local.get $at) (local.get $delta)) (local.get $carry)))
                (i32.store offset=4 (local.get $runs) (i32.add (i32.add (local.get $at) (local.get $delta)) (local.get $lead)))
                (local.set $runs (i32.add (local.get $runs) (i32.const 8)))
                (local.set $carry (i32.clz (i32.xor (i32.shl (local.get $mask) (i32.const 16)) (i32.const -1)))))))
          (else (local.set $carry (i32.clz (i32.xor (i32.shl (local.get $mask) (i32.const 16)) (i32.const -1))))))
        ;; Outside ASCII: beside a character of base64, or the first byte of a character that may stand for an ASCII one wherever it is.
        (local.set $highs (i8x16.bitmask (local.get $bytes)))
        (if (i32.or (local.get $highs) (i32.and (local.get $edge) (i32.const 1)))
          (then
            (i32.store (local.get $high16) (i32.add (local.get $at) (local.get $delta)))
            (local.set $high16
              (i32.add (local.get $high16)
                (i32.shl
                  (i32.or
                    (i32.ne
                      (i32.or
                        (i32.and (i32.or (i32.shl (local.get $highs) (i32.const 1)) (i32.and (local.get $edge) (i32.const 1))) (local.get $base64))
                        (i32.and (i32.or (i32.shl (local.get $base64) (i32.const 1)) (i32.shr_u (local.get $edge) (i32.const 1))) (local.get $highs)))
                      (i32.const 0))
                    (v128.any_true
                      (v128.and
                        (i8x16.swizzle (v128.load offset=389312 (i32.const 0)) (local.get $low))
                        (i8x16.swizzle (v128.load offset=389328 (i32.const 0)) (local.get $high)))))
                  (i32.const 2))))))
        (local.set $edge
          (i32.or (i32.shr_u (local.get $highs) (i32.const 15)) (i32.and (i32.shr_u (local.get $base64) (i32.const 14)) (i32.const 2))))
        ;; Sparse text: every second time. $alnum: which of 32 bytes are letters and digits; $fours: where four of them stand together.
        (if (i32.eqz (i32.and (i32.add (local.get $at) (local.get $delta)) (i32.const 16)))
          (then
            (local.set $alnum (i32.xor (i8x16.bitmask (i8x16.eq (v128.and (local.get $class) (v128.const i32x4 0x07070707 0x07070707 0x07070707 0x07070707)) (v128.const i32x4 0 0 0 0))) (i32.const 0xffff)))
            (local.set $fours (i32.and (local.get $alnum) (i32.shr_u (local.get $alnum) (i32.const 1))))
            (local.set $fours (i32.and (local.get $fours) (i32.shr_u (local.get $fours) (i32.const 2))))
            (local.set $mask
              (i32.xor (i8x16.bitmask (i8x16.eq (v128.and (i8x16.swizzle (local.get $dumpLow) (local.get $low)) (i8x16.swizzle (local.get $dumpHigh) (local.get $high))) (v128.const i32x4 0 0 0 0))) (i32.const 0xffff)))
            (if (i32.or (i32.eqz (local.get $fours)) (i32.eq (local.get $mask) (i32.const 0xffff)))
              (then
                (local.set $next (v128.load offset=16 (local.get $at)))
                (local.set $low (v128.and (local.get $next) (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f)))
                (local.set $high (i8x16.shr_u (local.get $next) (i32.const 4)))
                (local.set $alnum
                  (i32.or
                    (local.get $alnum)
                    (i32.shl
                      (i32.xor (i8x16.bitmask (i8x16.eq (v128.and (v128.and (i8x16.swizzle (local.get $lowTable) (local.get $low)) (i8x16.swizzle (local.get $highTable) (local.get $high))) (v128.const i32x4 0x07070707 0x07070707 0x07070707 0x07070707)) (v128.const i32x4 0 0 0 0))) (i32.const 0xffff))
                      (i32.const 16))))
                (local.set $fours (i32.and (local.get $alnum) (i32.shr_u (local.get $alnum) (i32.const 1))))
                (local.set $starts (i32.and (local.get $alnum) (i32.xor (i32.shl (local.get $alnum) (i32.const 1)) (i32.const -1))))
                (if
                  (i32.and
                    (i32.or
                      (i32.or
                        ;; Nothing but a dump of numbers in 24 bytes, with six letters and digits.
                        (i32.and
                          (i32.and
                            (i32.eq (local.get $mask) (i32.const 0xffff))
                            (i32.eq
                              (i32.and
                                (i32.xor (i8x16.bitmask (i8x16.eq (v128.and
                                    (i8x16.swizzle (local.get $dumpLow) (local.get $low))
                                    (i8x16.swizzle (local.get $dumpHigh) (local.get $high))) (v128.const i32x4 0 0 0 0))) (i32.const 0xffff))
                                (i32.const 0xff))
                              (i32.const 0xff)))
                          (i32.ge_u (i32.popcnt (i32.and (local.get $alnum) (i32.const 0xffffff))) (i32.const 6)))
                        ;; Seven pieces in 32 bytes, none of more than three.
                        (i32.and
                          (i32.eqz (i32.and (local.get $fours) (i32.shr_u (local.get $fours) (i32.const 2))))
                          (i32.ge_u (i32.popcnt (local.get $starts)) (i32.const 7))))
                      ;; Five pieces in 16 bytes, none of more than two.
                      (i32.and
                        (i32.eqz
                          (i32.and
                            (i32.and (local.get $fours) (i32.shr_u (local.get $alnum) (i32.const 2)))
                            (i32.const 0x3fff)))
                        (i32.ge_u (i32.popcnt (i32.and (local.get $starts) (i32.const 0xffff))) (i32.const 5))))
                    (i8x16.all_true
                      (v128.or
                        (i8x16.lt_u
                          (i8x16.sub (local.get $bytes) (v128.const i32x4 0x20202020 0x20202020 0x20202020 0x20202020))
                          (v128.const i32x4 0x5f5f5f5f 0x5f5f5f5f 0x5f5f5f5f 0x5f5f5f5f))
                        (i8x16.lt_u
                          (i8x16.sub (local.get $bytes) (v128.const i32x4 0x09090909 0x09090909 0x09090909 0x09090909))
                          (v128.const i32x4 0x05050505 0x05050505 0x05050505 0x05050505)))))
                  (then
                    (i32.store (local.get $sparse) (i32.add (local.get $at) (local.get $delta)))
                    (local.set $sparse (i32.add (local.get $sparse) (i32.const 4)))))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (i32.store offset=131136 (i32.const 0) (local.get $carry))
    (i32.store offset=131140 (i32.const 0) (i32.shr_u (i32.sub (local.get $windows) (i32.const 196608)) (i32.const 2)))
    (i32.store offset=131144 (i32.const 0) (i32.shr_u (i32.sub (local.get $runs) (i32.const 327744)) (i32.const 2)))
    (i32.store offset=131148 (i32.const 0) (i32.shr_u (i32.sub (local.get $sparse) (i32.const 344192)) (i32.const 2)))
    (i32.store offset=131152 (i32.const 0) (i32.shr_u (i32.sub (local.get $digits) (i32.const 348416)) (i32.const 2)))
    (i32.store offset=131156 (i32.const 0) (i32.shr_u (i32.sub (local.get $words) (i32.const 356608)) (i32.const 2)))
    (i32.store offset=131160 (i32.const 0) (local.get $before))
    (i32.store offset=389264 (i32.const 0) (local.get $visible))
    (i32.store offset=389268 (i32.const 0) (local.get $capitals))
    (i32.store offset=389272 (i32.const 0) (local.get $edge))
    (i32.store offset=389276 (i32.const 0) (i32.shr_u (i32.sub (local.get $dense) (i32.const 372736)) (i32.const 2)))
    (i32.store offset=389280 (i32.const 0) (i32.shr_u (i32.sub (local.get $high16) (i32.const 380992)) (i32.const 2)))
    ;; All the classes that were seen, folded into one byte.
    (local.set $mask (i32.or
      (i32.or (i32x4.extract_lane 0 (local.get $seen)) (i32x4.extract_lane 1 (local.get $seen)))
      (i32.or (i32x4.extract_lane 2 (local.get $seen)) (i32x4.extract_lane 3 (local.get $seen)))))
    (local.set $mask (i32.or (local.get $mask) (i32.shr_u (local.get $mask) (i32.const 16))))
    (local.set $mask (i32.or (local.get $mask) (i32.shr_u (local.get $mask) (i32.const 8))))
    (i32.or
      (i32.and (local.get $mask) (i32.const 0xff))
      (i32.shl (i32.ne (i8x16.bitmask (local.get $all)) (i32.const 0)) (i32.const 8)))))
