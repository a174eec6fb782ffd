/** 32-bit words, by index. */
export class Word {
  @inline static at(words: usize, index: i32): usize {
    return words + ((<usize>index) << 2);
  }

  @inline static int(words: usize, index: i32): i32 {
    return load<i32>(Word.at(words, index));
  }

  @inline static address(words: usize, index: i32): usize {
    return load<usize>(Word.at(words, index));
  }

  @inline static set(words: usize, index: i32, value: i32): void {
    store<i32>(Word.at(words, index), value);
  }
}
