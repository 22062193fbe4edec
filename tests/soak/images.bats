# What takes too long, or too much of a disk, for each run: images of 5 GiB in two regions (16 GiB of disk), and a million reads.

load ../integration/common.bash
load ../integration/replicated.bash

setup_file() {
    cloud_up "test-soak$RUN" 127.90.0.0
    regions_up Kista Solna
}

teardown_file() { cloud_down; }

random() { head -c "$1" /dev/urandom >"$2"; }

@test "5 GiB go in and come out, and from one region to the other" {
    K=$M/regions/Kista/images
    S=$M/regions/Solna/images
    random 5368709120 "$BATS_TEST_TMPDIR/in"
    slowly cp "$BATS_TEST_TMPDIR/in" "$K/large"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$K/large"
    slowly cp "$K/large" "$S/"
    slowly cmp "$BATS_TEST_TMPDIR/in" "$S/large"
    [ "$(REGION=Solna run_openstack image show large -f value -c size)" = 5368709120 ]
    quick rm "$K/large" "$S/large"
}

@test "a million random reads, by pread and by mmap, without a difference" {
    I=$M/regions/Kista/images
    random 200000000 "$BATS_TEST_TMPDIR/in"
    slowly cp "$BATS_TEST_TMPDIR/in" "$I/random"
    for seed in 1 2 3 4 5 6 7 8; do
        slowly "$BATS_TEST_DIRNAME/../integration/compare_reads.py" "$BATS_TEST_TMPDIR/in" "$I/random" 125000 "$seed"
    done
    quick rm "$I/random"
}
