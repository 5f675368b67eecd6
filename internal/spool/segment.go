package spool

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// A segment is a header and then frames, one a record. All numbers are
// big-endian.
//
//	header  magic 8, version 1, number 8, created 8 (Unix ns), node length 1, node, CRC32C 4
//	frame   magic 4, version 1, length of sealed 4, key id 8, CRC32C of these 4, sealed, CRC32C of all 4
//	sealed  nonce 12, AES-256-GCM of: spooled 12, number 8, node, contact, kind, id, at 12, body; lengths are
//	        uvarints, times Unix seconds 8 and ns 4; version 1 has no number and node. Bound to it: magic, version,
//	        key id, the segment's number, the frame's offset
//	mark    offset 4, the frame's last CRC32C 4, CRC32C of the segment's number and these 4 (in the side file)
//
// The head of a frame has a checksum of its own, so that a changed length is
// not taken for the tail that a crash cut off.
const (
	version      = 1 // of a segment
	frameVersion = 2 // of what is written; 1 is read too
	headLen      = 4 + 1 + 4 + 8 + 4
	frameExtra   = headLen + 12 + 16 + 4 // what a frame is longer than its plain text
	headerFixed  = 8 + 1 + 8 + 8 + 1 + 4
	markLen      = 12
	maxNode      = 64
	maxRecord    = 1 << 20 // a webhook's body is at most 64 KiB (reliability.md 0.12)
	maxSealed    = maxRecord + 28
	maxHeaderLen = headerFixed + maxNode
)

var (
	headerMagic = []byte("LAFIASPL")
	frameMagic  = []byte{0xF7, 'L', 's', 0x9B}
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
)

func checksum(parts ...[]byte) uint32 {
	var sum uint32
	for _, p := range parts {
		sum = crc32.Update(sum, castagnoli, p)
	}
	return sum
}

// errVersion says that a segment was written by a version that this one can't
// read.
type errVersion struct{ found byte }

func (e errVersion) Error() string {
	return fmt.Sprintf("format %d is unknown here (known: %d): it was written by another version of Lafia, which must drain it", e.found, version)
}

type header struct {
	number  uint64
	created time.Time
	node    string
}

func (h header) encode() []byte {
	b := append([]byte(nil), headerMagic...)
	b = append(b, version)
	b = binary.BigEndian.AppendUint64(b, h.number)
	b = binary.BigEndian.AppendUint64(b, uint64(h.created.UnixNano()))
	b = append(b, byte(len(h.node)))
	b = append(b, h.node...)
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

// frame is where a record stands in its segment.
type frame struct {
	version      byte
	offset, size uint32
	crc          uint32
	keyID        [8]byte
	sealed       []byte
}

func (f frame) mark() mark { return mark{f.offset, f.crc} }

// span is a stretch of a segment that is no record.
type span struct {
	offset, size uint32
	crc          uint32
	why          string
}

func (s span) mark() mark { return mark{s.offset, s.crc} }

// scanned is a segment as it was read: header, frames, damage and torn tail
// cover it without a gap.
type scanned struct {
	header     header
	headerSize uint32 // 0: it can't be read
	frames     []frame
	damage     []span
	torn       uint32 // bytes at the end that a crash left
}

// scan reads a segment. What is damaged is told apart from what a crash cut
// off, and reading goes on behind it. The only error is errVersion.
func scan(data []byte, number uint64) (scanned, error) {
	var out scanned
	at := 0
	h, size, verdict := readHeader(data)
	switch {
	case verdict == newer:
		return out, errVersion{data[len(headerMagic)]}
	case verdict == short:
		out.torn = uint32(len(data))
		return out, nil
	case verdict == whole && h.number == number:
		out.header, out.headerSize, at = h, uint32(size), size
	case verdict == whole:
		out.damage = append(out.damage, newSpan(data, 0, size, "the header names another segment"))
		at = size
	default:
		at = resync(data, 1)
		out.damage = append(out.damage, newSpan(data, 0, at, "the header is damaged"))
	}
	for at < len(data) {
		f, verdict := readFrame(data, at)
		switch verdict {
		case whole:
			out.frames = append(out.frames, f)
			at += int(f.size)
		case newer:
			return out, errVersion{data[at+len(frameMagic)]}
		case short:
			out.torn = uint32(len(data) - at)
			return out, nil
		default:
			end := at + int(f.size) // the head is sound, so the next frame follows
			if f.size == 0 {
				end = resync(data, at+1)
			}
			out.damage = append(out.damage, newSpan(data, at, end, "the checksum does not match"))
			at = end
		}
	}
	return out, nil
}

func newSpan(data []byte, from, to int, why string) span {
	return span{offset: uint32(from), size: uint32(to - from), crc: checksum(data[from:to]), why: why}
}

// resync finds the next place from which something can be read again.
func resync(data []byte, from int) int {
	for from < len(data) {
		i := bytes.Index(data[from:], frameMagic)
		if i < 0 {
			break
		}
		from += i
		if f, verdict := readFrame(data, from); len(data)-from >= headLen && (verdict != damaged || f.size > 0) {
			return from
		}
		from++
	}
	return len(data)
}

type verdict int

const (
	damaged verdict = iota
	whole
	short // the file ends within it
	newer
)

func readHeader(data []byte) (header, int, verdict) {
	if zeros(data) {
		return header{}, 0, short // a length without its content, as some file systems leave after a crash
	}
	if len(data) < headerFixed {
		return header{}, 0, short
	}
	if !bytes.HasPrefix(data, headerMagic) {
		return header{}, 0, damaged
	}
	size := headerFixed + int(data[headerFixed-5])
	if len(data) < size {
		// A header is on the disk before the segment has its name, so only the
		// tail of one that never had a record can be short.
		if int(data[headerFixed-5]) <= maxNode && len(data) < maxHeaderLen && !bytes.Contains(data, frameMagic) {
			return header{}, 0, short
		}
		return header{}, 0, damaged
	}
	if binary.BigEndian.Uint32(data[size-4:]) != checksum(data[:size-4]) {
		return header{}, 0, damaged
	}
	if data[8] != version {
		return header{}, 0, newer
	}
	return header{
		number:  binary.BigEndian.Uint64(data[9:]),
		created: time.Unix(0, int64(binary.BigEndian.Uint64(data[17:]))).UTC(),
		node:    string(data[headerFixed-4 : size-4]),
	}, size, whole
}

// readFrame reads one frame. A damaged frame with a size is one whose head is
// sound.
func readFrame(data []byte, at int) (frame, verdict) {
	rest := data[at:]
	if len(rest) < headLen || zeros(rest) {
		return frame{}, short
	}
	head := rest[:headLen]
	if !bytes.HasPrefix(head, frameMagic) || binary.BigEndian.Uint32(head[headLen-4:]) != checksum(head[:headLen-4]) {
		return frame{}, damaged
	}
	if head[4] != 1 && head[4] != frameVersion {
		return frame{}, newer
	}
	sealed := int(binary.BigEndian.Uint32(head[5:]))
	if sealed > maxSealed {
		return frame{}, damaged
	}
	size := headLen + sealed + 4
	if len(rest) < size {
		return frame{}, short
	}
	f := frame{version: head[4], offset: uint32(at), size: uint32(size), sealed: rest[headLen : size-4]}
	copy(f.keyID[:], head[9:])
	f.crc = binary.BigEndian.Uint32(rest[size-4:])
	if f.crc != checksum(rest[:size-4]) {
		return f, damaged
	}
	return f, whole
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// mark says that the record at an offset needs nothing more. It names the
// record's checksum too, so that a mark can't speak of another segment that had
// the same number.
type mark struct{ offset, crc uint32 }

func (m mark) append(b []byte, number uint64) []byte {
	from := len(b)
	b = binary.BigEndian.AppendUint32(b, m.offset)
	b = binary.BigEndian.AppendUint32(b, m.crc)
	return binary.BigEndian.AppendUint32(b, checksum(binary.BigEndian.AppendUint64(nil, number), b[from:]))
}

// readMarks reads a side file. What is damaged or torn in it marks nothing: its
// record is delivered once more.
func readMarks(data []byte, number uint64) map[mark]bool {
	out := map[mark]bool{}
	n := binary.BigEndian.AppendUint64(nil, number)
	for len(data) >= markLen {
		if binary.BigEndian.Uint32(data[8:]) != checksum(n, data[:8]) {
			data = data[1:]
			continue
		}
		out[mark{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])}] = true
		data = data[markLen:]
	}
	return out
}

var (
	errOtherKey = errors.New("it is sealed under another spool key")
	errAltered  = errors.New("it does not open at its place: altered, or moved")
)

// sealer seals and opens the records of one spool key.
type sealer struct {
	id   [8]byte
	aead cipher.AEAD
}

func newSealer(key []byte) (*sealer, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("the spool key has %d bytes, not 32", len(key))
	}
	id, err := hkdf.Key(sha256.New, key, nil, "lafia spool key id", 8)
	if err != nil {
		return nil, fmt.Errorf("naming the spool key: %w", err)
	}
	sub, err := hkdf.Key(sha256.New, key, nil, "lafia spool record", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the spool key: %w", err)
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return nil, fmt.Errorf("making the spool's cipher: %w", err)
	}
	// Nonces are random: at most 2^32 records a key (NIST SP 800-38D, 8.3).
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making the spool's cipher: %w", err)
	}
	return &sealer{id: [8]byte(id), aead: aead}, nil
}

func bound(version byte, keyID [8]byte, number uint64, offset uint32) []byte {
	b := append([]byte(nil), frameMagic...)
	b = append(b, version)
	b = append(b, keyID[:]...)
	b = binary.BigEndian.AppendUint64(b, number)
	return binary.BigEndian.AppendUint32(b, offset)
}

// appendFrame adds a record's frame to b, for the place that it names.
func (s *sealer) appendFrame(b, plain []byte, number uint64, offset uint32) ([]byte, frame) {
	from := len(b)
	b = append(b, frameMagic...)
	b = append(b, frameVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(plain)+28))
	b = append(b, s.id[:]...)
	b = binary.BigEndian.AppendUint32(b, checksum(b[from:]))
	b = s.aead.Seal(b, nil, plain, bound(frameVersion, s.id, number, offset))
	crc := checksum(b[from:])
	b = binary.BigEndian.AppendUint32(b, crc)
	return b, frame{version: frameVersion, offset: offset, size: uint32(len(b) - from), crc: crc, keyID: s.id}
}

func (s *sealer) open(f frame, number uint64) (Record, error) {
	if f.keyID != s.id {
		return Record{}, errOtherKey
	}
	plain, err := s.aead.Open(nil, nil, f.sealed, bound(f.version, f.keyID, number, f.offset))
	if err != nil {
		return Record{}, errAltered
	}
	return decode(f.version, plain)
}

// numberAt is where a record's number stands in its plain text.
const numberAt = 12

// encode gives a record's plain text. What follows the origin is its content.
func encode(r Record) (plain, content []byte) {
	b := make([]byte, 0, len(r.Contact)+len(r.Kind)+len(r.ID)+len(r.Body)+len(r.Origin.Node)+48)
	b = appendTime(b, r.Spooled)
	b = binary.BigEndian.AppendUint64(b, r.Origin.Number)
	b = binary.AppendUvarint(b, uint64(len(r.Origin.Node)))
	b = append(b, r.Origin.Node...)
	from := len(b)
	for _, part := range [][]byte{r.Contact, []byte(r.Kind), []byte(r.ID)} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	b = appendTime(b, r.At)
	b = append(b, r.Body...)
	return b, b[from:]
}

func decode(version byte, b []byte) (Record, error) {
	var r Record
	var err error
	if r.Spooled, b, err = readTime(b); err != nil {
		return Record{}, err
	}
	if version > 1 {
		if len(b) < 8 {
			return Record{}, errAltered
		}
		r.Origin.Number, b = binary.BigEndian.Uint64(b), b[8:]
		var node []byte
		if node, b, err = readPart(b); err != nil {
			return Record{}, err
		}
		r.Origin.Node = string(node)
	}
	var parts [3][]byte
	for i := range parts {
		if parts[i], b, err = readPart(b); err != nil {
			return Record{}, err
		}
	}
	r.Contact, r.Kind, r.ID = parts[0], string(parts[1]), string(parts[2])
	if r.At, b, err = readTime(b); err != nil {
		return Record{}, err
	}
	r.Body = b
	return r, nil
}

func readPart(b []byte) (part, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, errAltered
	}
	return b[w : w+int(n) : w+int(n)], b[w+int(n):], nil
}

func appendTime(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func readTime(b []byte) (time.Time, []byte, error) {
	if len(b) < 12 {
		return time.Time{}, nil, errAltered
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint32(b[8:]))).UTC(), b[12:], nil
}
