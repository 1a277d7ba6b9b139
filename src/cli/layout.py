#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: layout.py LAYOUT.TXT OUT

Makes the linker's script from the list of what is often executed (contrib/layout makes the list). A
name that is nowhere (another C library, a function that is gone) has no effect, and neither has the
order on what the program does.
"""

import sys


def sections(name):
    """The patterns of one line: of its code, and of the constants that belong to it."""
    if ':' in name:
        return f'*{name}(.text .text.*)', f'*{name}(.rodata .rodata.*)'
    # What the compiler makes of a function when it specialises it has a suffix.
    return f'*(.text.{name} .text.{name}.*)', f'*(.rodata.{name} .rodata.{name}.*)'


def script(names):
    lines = []
    for output, index in (('.text', 0), ('.rodata', 1)):
        lines += ['SECTIONS', '{', f'\t{output}.first :', '\t{']
        # Where every program begins.
        lines += [] if index else ['\t\t*crt1.o(.text)', '\t\t*crtbegin*.o(.text)']
        lines += [f'\t\t{sections(name)[index]}' for name in names]
        # Strings and numbers that functions share.
        lines += ['\t\t*(.rodata.str1.* .rodata.cst*)'] if index else []
        lines += ['\t}', '}', f'INSERT BEFORE {output};']
    return '\n'.join(lines) + '\n'


def main():
    with open(sys.argv[1], encoding='utf-8') as listing:
        names = [line.strip() for line in listing if line.strip() and not line.startswith('#')]
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        out.write(script(names))


if __name__ == '__main__':
    main()
