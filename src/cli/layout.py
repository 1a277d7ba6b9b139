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
    """What may not be executed all lies before the code, with the program's own headers: two pieces of
    the file to map rather than three, in this process and in each that it forks. (The linker's own
    script has the constants after the code, and takes what is inserted before them to be code.)"""
    lines = ['SECTIONS', '{', '\t.relr.dyn : { *(.relr.dyn) }', '\t.rodata.first :', '\t{']
    lines += [f'\t\t{sections(name)[1]}' for name in names]
    # Strings and numbers that functions share.
    lines += ['\t\t*(.rodata.str1.* .rodata.cst*)', '\t}']
    lines += [f'\t{name} : {{ *({name} {name}.*) }}' for name in ('.rodata', '.eh_frame_hdr', '.eh_frame', '.gcc_except_table')]
    lines += ['}', 'INSERT AFTER .rela.plt;']
    lines += ['SECTIONS', '{', '\t.text.first :', '\t{']
    # Where every program begins.
    lines += ['\t\t*crt1.o(.text)', '\t\t*crtbegin*.o(.text)']
    lines += [f'\t\t{sections(name)[0]}' for name in names]
    lines += ['\t}', '}', 'INSERT BEFORE .text;']
    return '\n'.join(lines) + '\n'


def main():
    with open(sys.argv[1], encoding='utf-8') as listing:
        names = [line.strip() for line in listing if line.strip() and not line.startswith('#')]
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        out.write(script(names))


if __name__ == '__main__':
    main()
