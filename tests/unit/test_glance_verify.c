/* SPDX-License-Identifier: MIT */
#include "reading_world.h"

#include <errno.h>

/* Content that isn't what its hash says, read by several, in parts and in any order. */

#define SIZE ((size_t)300000)
#define PART ((size_t)100000)

static ssize_t read_by(struct reading *reading, struct mc_image_reader *reader, size_t offset, size_t size)
{
	struct mc_image_reader *first = reading->reader;

	reading->reader = reader;
	ssize_t n = read_at(reading, offset, size);
	reading->reader = first;
	return n;
}

static struct mc_image_reader *another(struct reading *reading)
{
	struct mc_image_reader *reader;

	assert_int_equal(
		mc_image_reader_new(reading->world.glance, &reading->image, true, &reader, &reading->world.error), 0);
	return reader;
}

/* The three parts, read by two as they come, the last of them in the middle: all of it is checked before it is given.
 */
static ssize_t read_in_parts(struct reading *reading, struct mc_image_reader *other)
{
	expect(reading, part(reading, 0, PART - 1));
	assert_int_equal(read_at(reading, 0, PART), PART);
	expect(reading, part(reading, 2 * PART, SIZE - 1));
	assert_int_equal(read_by(reading, other, 2 * PART, PART), PART);
	assert_false(mc_image_reader_is_proven(other));
	expect(reading, part(reading, PART, 2 * PART - 1));
	expect(reading, part(reading, 2 * PART, SIZE - 1));
	return read_by(reading, other, PART, PART);
}

static void test_right(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, SIZE, true);
	struct mc_image_reader *other = another(&reading);
	assert_int_equal(read_in_parts(&reading, other), PART);
	assert_true(mc_image_reader_is_proven(other));
	assert_true(mc_image_reader_is_proven(reading.reader));
	/* That outlives them. */
	mc_image_reader_free(other);
	other = another(&reading);
	assert_true(mc_image_reader_is_proven(other));
	mc_image_reader_free(other);
	end(&reading);
}

/* From now on the server has another byte at AT. What it had goes to *FORMER, to be freed after end(): it may be
 * sending that still. */
static void change_byte(struct reading *reading, size_t at, unsigned char **former)
{
	unsigned char *changed = malloc(reading->size);

	assert_non_null(changed);
	memcpy(changed, reading->content, reading->size);
	changed[at] ^= 1;
	*former = reading->content;
	reading->content = changed;
}

static void test_wrong(void **state)
{
	(void)state;
	struct reading reading;
	unsigned char *former[2];

	begin(&reading, SIZE, true);
	change_byte(&reading, 2 * PART + 7, &former[0]);
	struct mc_image_reader *other = another(&reading);
	assert_int_equal(read_in_parts(&reading, other), -EIO);
	/* From now on nobody gets any of it; nor does Glance hear of that. */
	assert_int_equal(read_at(&reading, 0, 10), -EIO);
	assert_int_equal(read_by(&reading, other, PART, 10), -EIO);
	mc_image_reader_free(other);
	/* Who opens it later has it compared again, once. */
	other = another(&reading);
	expect(&reading, part(&reading, 0, SIZE - 1));
	assert_int_equal(read_by(&reading, other, 0, 10), -EIO);
	assert_int_equal(read_by(&reading, other, 0, 10), -EIO);
	mc_image_reader_free(other);
	/* Until it is right again. */
	change_byte(&reading, 2 * PART + 7, &former[1]);
	other = another(&reading);
	assert_false(mc_image_reader_is_proven(other));
	expect(&reading, part(&reading, 0, SIZE - 1));
	expect(&reading, part(&reading, 5, 14));
	assert_int_equal(read_by(&reading, other, 5, 10), 10);
	assert_true(mc_image_reader_is_proven(other));
	mc_image_reader_free(other);
	end(&reading);
	free(former[0]);
	free(former[1]);
}

/* The rest can't be had for the hash: that is no verdict, and nothing is given for good. */
static void test_no_rest(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, SIZE, true);
	expect(&reading, part(&reading, PART, SIZE - 1));
	assert_int_equal(read_at(&reading, PART, 2 * PART), 2 * PART);
	expect(&reading, part(&reading, 0, PART - 1));
	expect(&reading, (struct fake_step){.target = FILE_TARGET, .status = 403});
	assert_int_equal(read_at(&reading, 0, PART), -EACCES);
	expect(&reading, part(&reading, 0, PART - 1));
	expect(&reading, part(&reading, PART, SIZE - 1));
	assert_int_equal(read_at(&reading, 0, PART), PART);
	end(&reading);
}

/* It was right when it was read first, and isn't any more. */
static void test_rotten(void **state)
{
	(void)state;
	struct reading reading;
	unsigned char *former;

	begin(&reading, SIZE, true);
	expect(&reading, part(&reading, 0, 0));
	assert_int_equal(read_at(&reading, 0, SIZE), SIZE);
	change_byte(&reading, 7, &former);
	struct mc_image_reader *other = another(&reading);
	expect(&reading, part(&reading, 0, 0));
	assert_int_equal(read_by(&reading, other, 0, SIZE), -EIO);
	assert_int_equal(read_at(&reading, 0, 10), -EIO);
	mc_image_reader_free(other);
	end(&reading);
	free(former);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_no_rest),
		cmocka_unit_test(test_rotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
