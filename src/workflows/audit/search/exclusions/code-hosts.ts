import { type Category, entries, phrases, USUAL_NEED } from './category.ts'

/** Code hosts, package registries, places where programmers ask and read. */
export const CODE_HOSTS: Category = {
  name: 'code_host',
  label: 'code host or package registry',
  domains: entries(`
    github.com github.io githubusercontent.com gitlab.com gitlab.io bitbucket.org sourceforge.net codeberg.org
    gitee.com launchpad.net sr.ht framagit.org
    npmjs.com npmjs.org yarnpkg.com jsr.io unpkg.com jsdelivr.com pypi.org python.org rubygems.org crates.io
    docs.rs packagist.org nuget.org maven.org mvnrepository.com go.dev golang.org hex.pm cpan.org
    metacpan.org anaconda.org docker.com quay.io huggingface.co kaggle.com
    stackoverflow.com stackblitz.com codesandbox.io codepen.io jsfiddle.net replit.com glitch.com
    dev.to hashnode.com hackernoon.com developpez.com developpez.net w3schools.com
    mozilla.org readthedocs.io readthedocs.org gitbook.io geeksforgeeks.org tutorialspoint.com
    freecodecamp.org leetcode.com hackerrank.com codecademy.com libraries.io openhub.net
    wordpress.org drupal.org joomla.org apache.org debian.org ubuntu.com archlinux.org
  `),
  suffixes: [],
  hostParts: entries('github gitlab stackoverflow'),
  keywords: phrases(`
    open source repository | pull request | git clone | npm install | pip install | source code on github
    | readme md | package registry | stack overflow
  `),
  keywordsNeeded: USUAL_NEED,
  penalty: 0,
}
