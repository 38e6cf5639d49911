// Logclient checks a Tetrad log with code that is not ours: Go's sumdb/note and sumdb/tlog.
//
// Usage:
//
//	logclient [-static] <base URL> <vkey> <entry index>
//
// It opens the checkpoint with the log's verifier key, authenticates tiles against its root, finds
// the entry in its bundle, and checks inclusion and consistency proofs: those that it makes from the
// tiles and those that the service hands out. One line for each check; exit status 1 at the first
// that fails, 2 for wrong usage. With -static nothing is asked for but files: no proofs are handed out.
package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8        // C2SP tlog-tiles has no other
	maxBody    = 32 << 20 // bytes; a full bundle of the largest entries has 16 MiB
)

// errNotFound is the answer to a partial tile that went when the full one came.
var errNotFound = errors.New("not found")

// A service is where a log is read over HTTP. It is a tlog.TileReader.
type service struct {
	base   string
	client http.Client
	static bool
}

func main() {
	args := os.Args[1:]
	static := len(args) > 0 && args[0] == "-static"
	if static {
		args = args[1:]
	}
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: logclient [-static] <base URL> <vkey> <entry index>")
		os.Exit(2)
	}
	index, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil || index < 0 {
		fmt.Fprintln(os.Stderr, "the entry index is not a number")
		os.Exit(2)
	}
	log := &service{
		base:   strings.TrimSuffix(args[0], "/"),
		client: http.Client{Timeout: 30 * time.Second},
		static: static,
	}
	if err := log.check(args[1], index); err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

// check runs every check on one entry, in the order in which each may trust the one before.
func (s *service) check(vkey string, index int64) error {
	tree, err := s.checkpoint(vkey)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Printf("ok checkpoint: signed, %d entries\n", tree.N)
	if index >= tree.N {
		return fmt.Errorf("entry: the tree of %d entries has no entry %d", tree.N, index)
	}
	hashes := tlog.TileHashReader(tree, s)
	found, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return fmt.Errorf("tiles: %w", err)
	}
	leaf := found[0]
	fmt.Printf("ok tiles: leaf hash %d authenticated against the root\n", index)

	entry, err := s.entry(index, tree.N)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	if tlog.RecordHash(entry) != leaf {
		return errors.New("bundle: the entry does not hash to its leaf")
	}
	fmt.Printf("ok bundle: entry of %d bytes hashes to that leaf\n", len(entry))

	if err := s.checkInclusion(tree, index, leaf, hashes); err != nil {
		return fmt.Errorf("inclusion: %w", err)
	}
	if err := s.checkConsistency(tree, (tree.N+1)/2, hashes); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	return nil
}

// checkpoint fetches the newest checkpoint and opens it with the one key that is trusted.
func (s *service) checkpoint(vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	signed, err := s.get("/checkpoint")
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return tlog.Tree{}, errors.New("fewer than three lines")
	}
	if lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("origin %q, but the key is of %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	return tlog.Tree{N: size, Hash: root}, nil
}

func (s *service) checkInclusion(
	tree tlog.Tree, index int64, leaf tlog.Hash, hashes tlog.HashReader,
) error {
	proof, err := tlog.ProveRecord(tree.N, index, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
		return err
	}
	fmt.Printf("ok inclusion: own proof of %d hashes\n", len(proof))
	if s.static {
		return nil
	}

	query := fmt.Sprintf("/v1/ledger/proofs/inclusion?index=%d&size=%d", index, tree.N)
	var served struct {
		Index, Size int64
		Hashes      [][]byte
	}
	if err := s.getJSON(query, &served); err != nil {
		return err
	}
	if served.Index != index || served.Size != tree.N {
		return fmt.Errorf("asked for %d of %d, got %d of %d", index, tree.N, served.Index, served.Size)
	}
	path, err := asHashes(served.Hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, leaf); err != nil {
		return fmt.Errorf("served proof: %w", err)
	}
	fmt.Printf("ok inclusion: served proof of %d hashes\n", len(path))
	return nil
}

func (s *service) checkConsistency(tree tlog.Tree, older int64, hashes tlog.HashReader) error {
	root, err := tlog.TreeHash(older, hashes)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, older, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, older, root); err != nil {
		return err
	}
	fmt.Printf("ok consistency: own proof of %d hashes from %d\n", len(proof), older)
	if s.static {
		return nil
	}

	query := fmt.Sprintf("/v1/ledger/proofs/consistency?from=%d&to=%d", older, tree.N)
	var served struct {
		From, To int64
		Hashes   [][]byte
	}
	if err := s.getJSON(query, &served); err != nil {
		return err
	}
	if served.From != older || served.To != tree.N {
		return fmt.Errorf("asked for %d to %d, got %d to %d", older, tree.N, served.From, served.To)
	}
	path, err := asHashes(served.Hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(path, tree.N, tree.Hash, older, root); err != nil {
		return fmt.Errorf("served proof: %w", err)
	}
	fmt.Printf("ok consistency: served proof of %d hashes from %d\n", len(path), older)
	return nil
}

// entry fetches the bundle of an entry and takes it apart: a length in two bytes before each entry.
func (s *service) entry(index, size int64) ([]byte, error) {
	const perBundle = 1 << tileHeight
	bundle := tlog.Tile{H: tileHeight, L: -1, N: index / perBundle, W: perBundle}
	if rest := size - bundle.N*perBundle; rest < perBundle {
		bundle.W = int(rest)
	}
	data, err := s.tile(bundle)
	if err != nil {
		return nil, err
	}
	for skip := index % perBundle; ; skip-- {
		if len(data) < 2 {
			return nil, errors.New("the bundle ends before the entry")
		}
		length := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+length {
			return nil, errors.New("the bundle is cut short")
		}
		if skip == 0 {
			return data[2 : 2+length], nil
		}
		data = data[2+length:]
	}
}

// Height is that of every C2SP tile.
func (s *service) Height() int { return tileHeight }

// SaveTiles keeps nothing: every run reads afresh.
func (s *service) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles fetches tiles of exactly the widths that are asked for.
func (s *service) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := s.tile(tile)
		if err != nil {
			return nil, err
		}
		want := tile.W * tlog.HashSize
		if len(data) < want {
			return nil, fmt.Errorf("%s has %d bytes, not %d", path(tile), len(data), want)
		}
		all = append(all, data[:want])
	}
	return all, nil
}

// tile fetches a tile or bundle; a partial one that is gone is the beginning of the full one.
func (s *service) tile(tile tlog.Tile) ([]byte, error) {
	data, err := s.get(path(tile))
	if errors.Is(err, errNotFound) && tile.W != 1<<tileHeight {
		tile.W = 1 << tileHeight
		data, err = s.get(path(tile))
	}
	return data, err
}

// path is where C2SP tlog-tiles has a tile: sumdb's path without the height, and "entries" for "data".
func path(tile tlog.Tile) string {
	rest := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if bundle, ok := strings.CutPrefix(rest, "data/"); ok {
		rest = "entries/" + bundle
	}
	return "/tile/" + rest
}

func (s *service) get(path string) ([]byte, error) {
	answer, err := s.client.Get(s.base + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", path, errNotFound)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return body, nil
}

func (s *service) getJSON(path string, value any) error {
	body, err := s.get(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, value); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func asHashes(served [][]byte) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(served))
	for i, hash := range served {
		if len(hash) != tlog.HashSize {
			return nil, fmt.Errorf("hash %d of the served proof has %d bytes", i, len(hash))
		}
		copy(hashes[i][:], hash)
	}
	return hashes, nil
}
