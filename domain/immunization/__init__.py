"""Which vaccine doses a person has had, and which come next: pure functions over a schedule that is data.

    periods      ages and intervals; what a partial date may mean
    schedules    the schedule by version (`vn-*.json`), validated on load
    history      the doses, refusals and allergies of a person, as the book knows them
    records      a person and his doses from a record as the API names its fields
    pregnancies  whether a person is pregnant now, by the codes of her conditions
    judging      which doses count for a series, and why the others do not
    forecasting  the next dose of each series
    reasons      every status, outcome and reason, in Vietnamese and English
    reminding    the doses worth a reminder

`docs/immunization.md` says how dates that are not exact, late doses and changes of the law are treated.
"""
