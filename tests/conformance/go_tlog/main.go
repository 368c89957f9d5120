// Interop reads an export of tiles with Go's own note and tlog packages and believes nothing else.
//
//	interop DIR VKEY
//
// DIR holds `checkpoint`, `tile/...` as in C2SP tlog-tiles, and `proofs.json` with the proofs that
// are to be compared. The program exits with 1 and says why as soon as one thing is not right.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofs struct {
	Records []struct {
		Index int64    `json:"index"`
		Proof [][]byte `json:"proof"`
	} `json:"records"`
	Trees []struct {
		Size  int64    `json:"size"`
		Root  []byte   `json:"root"`
		Proof [][]byte `json:"proof"`
	} `json:"trees"`
}

func main() {
	if err := check(os.Args[1], os.Args[2]); err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

func check(dir, vkey string) error {
	tree, err := openCheckpoint(filepath.Join(dir, "checkpoint"), vkey)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes := tlog.TileHashReader(tree, folder(dir))
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return fmt.Errorf("root from tiles: %w", err)
	}
	if root != tree.Hash {
		return errors.New("the root from the tiles is not that of the checkpoint")
	}
	records, err := readRecords(dir, tree, hashes)
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	if err := rebuild(records, tree); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "proofs.json"))
	if err != nil {
		return err
	}
	var given proofs
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	if err := checkProofs(given, records, tree, hashes); err != nil {
		return err
	}
	fmt.Printf("ok: %d records, %d record proofs, %d tree proofs\n",
		len(records), len(given.Records), len(given.Trees))
	return nil
}

func openCheckpoint(path, vkey string) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("not three lines, or another origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// folder is a tlog.TileReader over files. Go's paths name the height of a tile, those of C2SP do not.
type folder string

func (dir folder) Height() int                         { return 8 }
func (dir folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, err := dir.read(tile)
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

func (dir folder) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
	return os.ReadFile(filepath.Join(string(dir), path))
}

// readRecords reads all entry bundles and compares each entry with its leaf in the tree.
func readRecords(dir string, tree tlog.Tree, hashes tlog.HashReader) ([][]byte, error) {
	var records [][]byte
	for start := int64(0); start < tree.N; start += 256 {
		width := min(256, tree.N-start)
		data, err := folder(dir).read(tlog.Tile{H: 8, L: -1, N: start / 256, W: int(width)})
		if err != nil {
			return nil, err
		}
		var indexes []int64
		for i := range width {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("the bundle of record %d is cut", start)
			}
			size := 2 + int(binary.BigEndian.Uint16(data))
			records = append(records, data[2:size])
			indexes = append(indexes, tlog.StoredHashIndex(0, start+i))
			data = data[size:]
		}
		if len(data) > 0 {
			return nil, fmt.Errorf("the bundle of record %d goes on", start)
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return nil, err
		}
		for i, leaf := range leaves {
			if leaf != tlog.RecordHash(records[start+int64(i)]) {
				return nil, fmt.Errorf("record %d is not its leaf", start+int64(i))
			}
		}
	}
	return records, nil
}

// rebuild makes the tree anew from the records alone.
func rebuild(records [][]byte, tree tlog.Tree) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for i, record := range records {
		more, err := tlog.StoredHashes(int64(i), record, reader)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err == nil && root != tree.Hash {
		err = errors.New("the root from the records is not that of the checkpoint")
	}
	return err
}

// checkProofs holds each given proof against the tree, and against the one that Go makes.
func checkProofs(given proofs, records [][]byte, tree tlog.Tree, hashes tlog.HashReader) error {
	for _, one := range given.Records {
		leaf := tlog.RecordHash(records[one.Index])
		if err := tlog.CheckRecord(listOf(one.Proof), tree.N, tree.Hash, one.Index, leaf); err != nil {
			return fmt.Errorf("proof of record %d: %w", one.Index, err)
		}
		own, err := tlog.ProveRecord(tree.N, one.Index, hashes)
		if err != nil || !same(own, listOf(one.Proof)) {
			return fmt.Errorf("proof of record %d is another one than Go's (%v)", one.Index, err)
		}
	}
	for _, one := range given.Trees {
		older := listOf([][]byte{one.Root})[0]
		if err := tlog.CheckTree(listOf(one.Proof), tree.N, tree.Hash, one.Size, older); err != nil {
			return fmt.Errorf("proof of the tree of %d: %w", one.Size, err)
		}
		own, err := tlog.ProveTree(tree.N, one.Size, hashes)
		if err != nil || !same(own, listOf(one.Proof)) {
			return fmt.Errorf("proof of the tree of %d is another one than Go's (%v)", one.Size, err)
		}
	}
	return nil
}

func listOf(proof [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(proof))
	for i, hash := range proof {
		copy(hashes[i][:], hash)
	}
	return hashes
}

func same(a, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i][:], b[i][:]) {
			return false
		}
	}
	return true
}
