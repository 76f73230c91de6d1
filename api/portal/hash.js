// Hash functions that take a file piece by piece: the browser's own (WebCrypto) want it whole, which for hundreds of megabytes is more
// than a phone has, and know no Streebog. What is hashed here is public to the reader, so nothing has to be constant in time.
// Each function is update(Uint8Array) and digest(), which ends it. The tests hold all of them to the gateway's own.

// Blocks gathers octets into blocks of a size and counts them.
class Blocks {
  constructor(size) {
    this.block = new Uint8Array(size);
    this.fill = 0;
    this.octets = 0;
  }

  update(data) {
    const size = this.block.length;
    this.octets += data.length;
    for (let i = 0; i < data.length;) {
      const n = Math.min(size - this.fill, data.length - i);
      this.block.set(data.subarray(i, i + n), this.fill);
      this.fill += n;
      i += n;
      if (this.fill === size) {
        this.compress();
        this.fill = 0;
      }
    }
  }

  // pad ends a message as SHA-2 does: a one, zeros, and the number of bits in the last eight octets.
  pad(lengthOctets) {
    const bits = this.octets * 8; // exact: files are below 2^50 octets
    const size = this.block.length;
    this.block[this.fill++] = 0x80;
    if (this.fill > size - lengthOctets) {
      this.block.fill(0, this.fill);
      this.compress();
      this.fill = 0;
    }
    this.block.fill(0, this.fill);
    const view = new DataView(this.block.buffer);
    view.setUint32(size - 8, Math.floor(bits / 0x100000000));
    view.setUint32(size - 4, bits >>> 0);
    this.compress();
  }
}

// Constants of FIPS 180-4 4.2: the first bits of the fractional parts of roots of primes, worked out exactly.
const primes = [];
for (let n = 2n; primes.length < 80; n++) {
  if (primes.every((p) => n % p)) primes.push(n);
}
// root is the integer part of the k-th root of v.
const root = (v, k) => {
  let low = 0n;
  let high = 1n << 100n;
  while (high - low > 1n) {
    const mid = (low + high) >> 1n;
    if (mid ** k <= v) low = mid;
    else high = mid;
  }
  return low;
};
const fraction64 = (p, k) => BigInt.asUintN(64, root(p << (64n * k), k));
const words = (list) => {
  const out = new Int32Array(list.length * 2);
  list.forEach((v, i) => {
    out[2 * i] = Number(v >> 32n) | 0;
    out[2 * i + 1] = Number(v & 0xffffffffn) | 0;
  });
  return out;
};
const k512 = words(primes.map((p) => fraction64(p, 3n)));
const h512 = words(primes.slice(0, 8).map((p) => fraction64(p, 2n)));
const h384 = words(primes.slice(8, 16).map((p) => fraction64(p, 2n)));

class SHA256 extends Blocks {
  constructor() {
    super(64);
    this.h = h512.filter((_, i) => i % 2 === 0);
    this.w = new Int32Array(64);
  }

  compress() {
    const { w, h } = this;
    const view = new DataView(this.block.buffer);
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(4 * i);
    const rot = (x, n) => (x >>> n) | (x << (32 - n));
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15];
      const b = w[i - 2];
      w[i] = (w[i - 16] + (rot(a, 7) ^ rot(a, 18) ^ (a >>> 3)) + w[i - 7] + (rot(b, 17) ^ rot(b, 19) ^ (b >>> 10))) | 0;
    }
    let [a, b, c, d, e, f, g, x] = h;
    for (let i = 0; i < 64; i++) {
      const t = (x + (rot(e, 6) ^ rot(e, 11) ^ rot(e, 25)) + ((e & f) ^ (~e & g)) + k512[2 * i] + w[i]) | 0;
      const u = ((rot(a, 2) ^ rot(a, 13) ^ rot(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      x = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    [a, b, c, d, e, f, g, x].forEach((v, i) => { h[i] = (h[i] + v) | 0; });
  }

  digest() {
    this.pad(8);
    const out = new DataView(new ArrayBuffer(32));
    this.h.forEach((v, i) => out.setInt32(4 * i, v));
    return new Uint8Array(out.buffer);
  }
}

// SHA512 works on words of 64 bits as pairs, the high half first.
class SHA512 extends Blocks {
  constructor(start, size) {
    super(128);
    this.h = start.slice();
    this.w = new Int32Array(160);
    this.size = size;
  }

  compress() {
    const { w, h } = this;
    const view = new DataView(this.block.buffer);
    for (let i = 0; i < 32; i++) w[i] = view.getInt32(4 * i);
    for (let i = 32; i < 160; i += 2) {
      const ah = w[i - 30], al = w[i - 29], bh = w[i - 4], bl = w[i - 3];
      const sh = ((ah >>> 1) | (al << 31)) ^ ((ah >>> 8) | (al << 24)) ^ (ah >>> 7);
      const sl = ((al >>> 1) | (ah << 31)) ^ ((al >>> 8) | (ah << 24)) ^ ((al >>> 7) | (ah << 25));
      const th = ((bh >>> 19) | (bl << 13)) ^ ((bl >>> 29) | (bh << 3)) ^ (bh >>> 6);
      const tl = ((bl >>> 19) | (bh << 13)) ^ ((bh >>> 29) | (bl << 3)) ^ ((bl >>> 6) | (bh << 26));
      const low = (w[i - 31] >>> 0) + (sl >>> 0) + (w[i - 13] >>> 0) + (tl >>> 0);
      w[i] = (w[i - 32] + sh + w[i - 14] + th + Math.floor(low / 0x100000000)) | 0;
      w[i + 1] = low | 0;
    }
    let [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, xh, xl] = h;
    for (let i = 0; i < 160; i += 2) {
      const sh = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
      const sl = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
      let low = (xl >>> 0) + (sl >>> 0) + (((el & fl) ^ (~el & gl)) >>> 0) + (k512[i + 1] >>> 0) + (w[i + 1] >>> 0);
      const th = (xh + sh + ((eh & fh) ^ (~eh & gh)) + k512[i] + w[i] + Math.floor(low / 0x100000000)) | 0;
      const tl = low | 0;
      const uh = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
      const ul = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
      const vh = (ah & bh) ^ (ah & ch) ^ (bh & ch);
      const vl = (al & bl) ^ (al & cl) ^ (bl & cl);
      xh = gh; xl = gl; gh = fh; gl = fl; fh = eh; fl = el;
      low = (dl >>> 0) + (tl >>> 0);
      eh = (dh + th + Math.floor(low / 0x100000000)) | 0; el = low | 0;
      dh = ch; dl = cl; ch = bh; cl = bl; bh = ah; bl = al;
      low = (tl >>> 0) + (ul >>> 0) + (vl >>> 0);
      ah = (th + uh + vh + Math.floor(low / 0x100000000)) | 0; al = low | 0;
    }
    const add = [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, xh, xl];
    for (let i = 0; i < 16; i += 2) {
      const low = (h[i + 1] >>> 0) + (add[i + 1] >>> 0);
      h[i] = (h[i] + add[i] + Math.floor(low / 0x100000000)) | 0;
      h[i + 1] = low | 0;
    }
  }

  digest() {
    this.pad(16);
    const out = new DataView(new ArrayBuffer(64));
    this.h.forEach((v, i) => out.setInt32(4 * i, v));
    return new Uint8Array(out.buffer, 0, this.size);
  }
}

// GOST R 34.11-2012 (RFC 6986): substitution, matrix and constants.
const octetsOf = (hex) => Uint8Array.from(hex.match(/../g), (x) => parseInt(x, 16));
const pi = octetsOf(
  "fceedd11cf6e3116fbc4fada23c5044de977f0db932e99ba1736f1bb14cd5fc1f918655ae25cef21811c3c428b018e4f058402aee36a8fa0060bed987fd4d31f" +
  "eb342c51eac848abf22a68a2fd3aceccb5700e56080c7612bf7213479cb75d8715a19629107b9ac7f391786f9d9eb2b13275193dff358a7e6d54c680c3bd0d57" +
  "dff524a93ea843c9d779d6f67c22b903e00fecde7a94b0bcdce828504e330a4aa79760731e0062441ab83882649f2641ad454692275e552f8ca3a57d69d5953b" +
  "0758b34086ac1df730376be488d9e789e11b83494c3ff8fe8d53aa90cad88561207167a42d2b095bcb9b25d0bee56c5259a674d2e6f4b4c0d166afc2394b63b6",
);
const matrix = octetsOf(
  "8e20faa72ba0b47047107ddd9b505a38ad08b0e0c3282d1cd8045870ef14980e6c022c38f90a4c073601161cf205268d1b8e0b0e798c13c883478b07b2468764" +
  "a011d380818e8f405086e740ce47c9202843fd2067adea1014aff010bdd875080ad97808d06cb40405e23c0468365a028c711e02341b2d0146b60f011a83988e" +
  "90dab52a387ae76f486dd4151c3dfdb924b86a840e90f0d2125c354207487869092e94218d243cba8a174a9ec8121e5d4585254f64090fa0accc9ca9328a8950" +
  "9d4df05d5f661451c0a878a0a1330aa660543c50de970553302a1e286fc58ca718150f14b9ec46dd0c84890ad27623e00642ca05693b9f700321658cba93c138" +
  "86275df09ce8aaa8439da0784e745554afc0503c273aa42ad960281e9d1d5215e230140fc080298471180a8960409a42b60c05ca30204d215b068c651810a89e" +
  "456c34887a3805b9ac361a443d1c8cd2561b0d22900e46692b838811480723ba9bcf4486248d9f5dc3e9224312c8c1a0effa11af0964ee50f97d86d98a327728" +
  "e4fa2054a80b329c727d102a548b194e39b008152acb82279258048415eb419d492c024284fbaec0aa16012142f35760550b8e9e21f7a530a48b474f9ef5dc18" +
  "70a6a56e2440598e3853dc371220a2471ca76e95091051ad0edd37c48a08a6d807e095624504536c8d70c431ac02a736c83862965601dd1b641c314b2b8ee083",
);
const constants = octetsOf(
  "dd806559f2a6450705767436cc744d23a2422a08a460d3154b7ce09192676901714eb88d7585c4fc2f6a76432e45d016ebcb2f81c0657c1fb1085bda1ecadae9" +
  "e679047021b19bb755dda21bd7cbcd565cb561c2db0aa7ca9ab5176b12d6995861d55e0f16b50131f3feea720a232b984fe39d460f70b5d76fa3b58aa99d2f1a" +
  "991e96f50aba0ab2c2b6f443867adb31c1c93a376062db09d3e20fe490359eb1f2ea7514b1297b7b06f15e5f529c1f8b0a39fc286a3d8435f574dcac2bce2fc7" +
  "220cbebc84e3d12e3453eaa193e837f1d8b71333935203bea9d72c82ed03d6759d721cad685e353f488e857e335c3c7df948e1a05d71e4ddef1fdfb3e81566d2" +
  "601758fd7c6cfe577a56a27ea9ea63f5dfff00b723271a16bfcd1747253af5a3359e35d7800fffbd7f151c1f1686104a9a3f410c6ca923634bea6bacad474799" +
  "fa68407a46647d6ebf71c57236904f350af21f66c2bec6b6cffaa6b71c9ab7b4187f9ab49af08ec62d66c4f95142a46c6fa4c33b7a3039c0ae4faeae1d3ad3d9" +
  "8886564d3a14d4933517454ca23c4af306476983284a05040992abc52d822c37d3473e33197a93c9399ec6c7e6bf87c951ac86febf240954f4c70e16eeaac5ec" +
  "a47f0dd4bf02e71e36acc2355951a8d969d18d2bd1a5c42ff4892bcb929b069089b4443b4ddbc49a4eb7f8719c36de1e03e7aa020c6e41419b1f5b424d93c9a7" +
  "7261445183235adb0e38dc92cb1f2a607b2b8a9aa6079c54800a440bdbb2ceb13cd955b7e00d09843a7d3a1b25894224944c9ad8ec165fde378f5a541631229b" +
  "74b4c7fb98459ced3698fad1153bb6c37a1e6c303b7652f49fe76702af69334b1fffe18a1b3361038941e71cff8a78db382ae548b2e4f3f3abbedea680056f52" +
  "6bcaa4cd81f32d1bdea2594ac06fd85defbacd1d7d476e988a1d71efea48b9ca2001802114846679d8fa6bbbebab07613002c6cd635afe947bcd9ed0efc889fb" +
  "48bc924af11bd720faf417d5d9b21b99e71da4aa88e128525d80ef9d1891cc86f82012d430219f9bcda43c32bcdf1d77d21380b00449b17a378ee767f11631ba",
);

// Entry 2·(256·i + v) of table is the low half of what octet i of a word contributes if it is v, the next one the high half.
const table = new Int32Array(2 * 8 * 256);
for (let i = 0; i < 8; i++) {
  for (let v = 0; v < 256; v++) {
    for (let bit = 0; bit < 8; bit++) {
      if (!((pi[v] >> bit) & 1)) continue;
      const at = 8 * (63 - 8 * i - bit);
      const word = (n) => (matrix[at + n] << 24) | (matrix[at + n + 1] << 16) | (matrix[at + n + 2] << 8) | matrix[at + n + 3];
      table[2 * (256 * i + v)] ^= word(4);
      table[2 * (256 * i + v) + 1] ^= word(0);
    }
  }
}

// A number of 512 bits, its lowest octet first, seen as words of 32 bits and as octets. Machines that browsers run on have that order.
const number = () => {
  const octets = new Uint8Array(64);
  return { octets, words: new Int32Array(octets.buffer) };
};
// constants are written from the highest octet of each word on; they are turned round here.
const rounds = Array.from({ length: 12 }, (_, r) => {
  const n = number();
  for (let i = 0; i < 64; i++) n.octets[i] = constants[64 * r + (i & ~7) + 7 - (i & 7)];
  return n;
});

const mixed = number();
// lps is substitution, transposition and matrix of a ⊕ b.
const lps = (out, a, b) => {
  for (let i = 0; i < 16; i++) mixed.words[i] = a.words[i] ^ b.words[i];
  const x = mixed.octets;
  for (let r = 0; r < 8; r++) {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 8; i++) {
      const at = 2 * (256 * i + x[8 * i + r]);
      low ^= table[at];
      high ^= table[at + 1];
    }
    out.words[2 * r] = low;
    out.words[2 * r + 1] = high;
  }
};

const zero = number();

class Streebog extends Blocks {
  constructor(size) {
    super(64);
    this.size = size;
    this.m = { octets: this.block, words: new Int32Array(this.block.buffer) };
    this.h = number();
    this.n = number();
    this.sigma = number();
    this.k = number();
    this.s = number();
    if (size === 32) this.h.octets.fill(1);
  }

  // g is the compression function of RFC 6986 8.
  g(n, m) {
    const { k, s, h } = this;
    lps(k, h, n);
    lps(s, m, k);
    for (let r = 0; r < 11; r++) {
      lps(k, k, rounds[r]);
      lps(s, s, k);
    }
    lps(k, k, rounds[11]);
    for (let i = 0; i < 16; i++) h.words[i] ^= s.words[i] ^ k.words[i] ^ m.words[i];
  }

  // add sets x += y mod 2^512.
  static add(x, y) {
    let carry = 0;
    for (let i = 0; i < 64; i++) {
      carry += x[i] + y[i];
      x[i] = carry;
      carry >>= 8;
    }
  }

  count(bits) {
    const n = new Uint8Array(64);
    n[0] = bits;
    n[1] = bits >> 8;
    Streebog.add(this.n.octets, n);
  }

  compress() {
    this.g(this.n, this.m);
    this.count(512);
    Streebog.add(this.sigma.octets, this.block);
  }

  digest() {
    const bits = 8 * this.fill;
    this.block[this.fill] = 1;
    this.block.fill(0, this.fill + 1);
    this.g(this.n, this.m);
    this.count(bits);
    Streebog.add(this.sigma.octets, this.block);
    this.g(zero, this.n);
    this.g(zero, this.sigma);
    return this.h.octets.slice(64 - this.size);
  }
}

export const hashes = {
  "SHA-256": () => new SHA256(),
  "SHA-384": () => new SHA512(h384, 48),
  "SHA-512": () => new SHA512(h512, 64),
  "Streebog-256": () => new Streebog(32),
  "Streebog-512": () => new Streebog(64),
};

export const hex = (octets) => Array.from(octets, (b) => b.toString(16).padStart(2, "0")).join("");
