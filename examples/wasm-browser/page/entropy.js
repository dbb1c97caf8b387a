// entropy: unpredictable words. They are kept, so that a world can begin anew
// with the same ones; a host that cannot go back in time has no need for that.
export class Entropy {
  #words = []
  #next = 0

  draw (n) {
    while (this.#words.length < this.#next + n) this.#words.push(...crypto.getRandomValues(new Uint32Array(n)))
    this.#next += n
    return this.#words.slice(this.#next - n, this.#next)
  }

  rewind () { this.#next = 0 }
}
