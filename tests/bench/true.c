// SPDX-License-Identifier: Apache-2.0
/* The payload of the benchmark: what a container costs when its program costs nothing. */
int main(void)
{
	return 0;
}
