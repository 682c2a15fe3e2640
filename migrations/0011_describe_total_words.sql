-- Says what the column counts: it is not the sum of all words of the pages.

comment on column rowbeat.site_profiles.total_words is 'Words of these pages, of each the first 50,000 characters, without what they share: of four pages or more, a block that stands on over 30 % is not counted; any other block that several pages hold is counted once, unless a page would lose over half of its text by that. structure.averageWordCount counts pages whole.';
