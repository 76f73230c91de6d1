package typeface

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"
)

// Face is DejaVu Sans, read: which glyph stands for a character, how wide it is, and a font file with some glyphs alone. It is immutable and safe for
// concurrent use.
type Face struct {
	tables map[string][]byte
	glyphs map[rune]uint16
	widths []uint16 // by glyph, in units of the font
	loca   []uint32
	units  int
}

// face is read at its first use; reading it for every document cost more than drawing.
var face = sync.OnceValue(func() *Face { return readFace(regular) })

// Sans is the face of [Regular].
func Sans() *Face { return face() }

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }

// readFace reads the font that is part of this program: its tables are those of DejaVu Sans, with long offsets and a cmap of format 4.
func readFace(ttf []byte) *Face {
	f := &Face{tables: map[string][]byte{}, glyphs: map[rune]uint16{}}
	for i := range u16(ttf, 4) {
		entry := ttf[12+16*i:]
		from, size := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		f.tables[string(entry[:4])] = ttf[from : from+size]
	}
	f.units = u16(f.tables["head"], 18)
	count, long := u16(f.tables["maxp"], 4), u16(f.tables["hhea"], 34)
	hmtx := f.tables["hmtx"]
	for g := range count {
		f.widths = append(f.widths, uint16(u16(hmtx, 4*min(g, long-1)))) //nolint:gosec // read from two octets
	}
	for g := range count + 1 {
		f.loca = append(f.loca, binary.BigEndian.Uint32(f.tables["loca"][4*g:]))
	}
	cmap := f.tables["cmap"]
	for i := range u16(cmap, 2) {
		if sub := cmap[binary.BigEndian.Uint32(cmap[4+8*i+4:]):]; u16(sub, 0) == 4 {
			f.readCmap(sub)
		}
	}
	return f
}

// readCmap reads a character map of format 4: segments of characters, each with a shift or a place in a list of glyphs.
func (f *Face) readCmap(sub []byte) {
	n := u16(sub, 6) / 2
	for i := range n {
		end, start := u16(sub, 14+2*i), u16(sub, 16+2*n+2*i)
		shift, at := u16(sub, 16+4*n+2*i), 16+6*n+2*i
		for c := start; c <= end && c < 0xffff; c++ {
			g := c
			if offset := u16(sub, at); offset != 0 {
				if g = u16(sub, at+offset+2*(c-start)); g == 0 {
					continue
				}
			}
			f.glyphs[rune(c)] = uint16(g + shift) //nolint:gosec // modulo 65536, as the format has it
		}
	}
}

// Glyph is the glyph of a character; 0, an empty box, where there is none.
func (f *Face) Glyph(r rune) uint16 { return f.glyphs[r] }

// Width is that of a glyph in thousandths of the size of the letters.
func (f *Face) Width(glyph uint16) int {
	if int(glyph) >= len(f.widths) {
		glyph = 0
	}
	return int(f.widths[glyph]) * 1000 / f.units
}

// TextWidth is that of a line in thousandths of the size of the letters.
func (f *Face) TextWidth(line string) (sum int) {
	for _, r := range line {
		sum += f.Width(f.Glyph(r))
	}
	return sum
}

// Subset is a TrueType file that draws the glyphs alone, under the numbers that they have, for a font of PDF that names glyphs by number. The
// same glyphs give the same octets.
func (f *Face) Subset(glyphs []uint16) []byte {
	used := map[int]bool{0: true}
	for _, g := range glyphs {
		f.use(used, int(g))
	}
	numbers := slices.Sorted(maps.Keys(used))
	count := numbers[len(numbers)-1] + 1
	loca, hmtx, glyf := make([]byte, 4*(count+1)), make([]byte, 4*count), []byte(nil)
	for g := range count {
		binary.BigEndian.PutUint32(loca[4*g:], uint32(len(glyf))) //nolint:gosec // less than the font
		if used[g] {
			copy(hmtx[4*g:], f.metrics(g))
			glyf = append(glyf, f.tables["glyf"][f.loca[g]:f.loca[g+1]]...)
		}
	}
	binary.BigEndian.PutUint32(loca[4*count:], uint32(len(glyf))) //nolint:gosec // as above
	hhea, maxp := slices.Clone(f.tables["hhea"]), slices.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint16(hhea[34:], uint16(count)) //nolint:gosec // of at most 65536 glyphs
	binary.BigEndian.PutUint16(maxp[4:], uint16(count))  //nolint:gosec // as above
	return assemble(map[string][]byte{
		"head": f.tables["head"], "hhea": hhea, "maxp": maxp, "hmtx": hmtx, "loca": loca, "glyf": glyf,
		"cvt ": f.tables["cvt "], "fpgm": f.tables["fpgm"], "prep": f.tables["prep"],
	})
}

// use adds a glyph and those that it is put together from.
func (f *Face) use(used map[int]bool, g int) {
	if used[g] || g+1 >= len(f.loca) {
		return
	}
	used[g] = true
	outline := f.tables["glyf"][f.loca[g]:f.loca[g+1]]
	if len(outline) == 0 || int16(u16(outline, 0)) >= 0 { //nolint:gosec // the number of contours is signed
		return
	}
	const wordArguments, scale, more, twoScales, matrix = 1, 8, 32, 64, 128
	for at := 10; ; {
		flags := u16(outline, at)
		f.use(used, u16(outline, at+2))
		at += 6
		if flags&wordArguments != 0 {
			at += 2
		}
		switch {
		case flags&scale != 0:
			at += 2
		case flags&twoScales != 0:
			at += 4
		case flags&matrix != 0:
			at += 8
		}
		if flags&more == 0 {
			return
		}
	}
}

// metrics are width and left side bearing of a glyph; those behind the last long one have that one's width.
func (f *Face) metrics(g int) []byte {
	hmtx, long := f.tables["hmtx"], u16(f.tables["hhea"], 34)
	if g < long {
		return hmtx[4*g : 4*g+4]
	}
	return slices.Concat(hmtx[4*long-4:4*long-2], hmtx[4*long+2*(g-long):4*long+2*(g-long)+2])
}

// assemble writes tables as a font file.
func assemble(tables map[string][]byte) []byte {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(tables)), func(n string) bool { return tables[n] == nil })
	out := []byte{0, 1, 0, 0}
	power := 1
	for power*2 <= len(names) {
		power *= 2
	}
	shift := 0
	for 1<<shift < power {
		shift++
	}
	for _, n := range []int{len(names), 16 * power, shift, 16 * (len(names) - power)} {
		out = binary.BigEndian.AppendUint16(out, uint16(n)) //nolint:gosec // of nine tables
	}
	at := len(out) + 16*len(names)
	var body []byte
	for _, name := range names {
		t := tables[name]
		padded := append(slices.Clone(t), make([]byte, -len(t)&3)...)
		var sum uint32
		for i := 0; i < len(padded); i += 4 {
			sum += binary.BigEndian.Uint32(padded[i:])
		}
		out = append(out, name...)
		for _, n := range []uint32{sum, uint32(at + len(body)), uint32(len(t))} { //nolint:gosec // less than the font
			out = binary.BigEndian.AppendUint32(out, n)
		}
		body = append(body, padded...)
	}
	return append(out, body...)
}
